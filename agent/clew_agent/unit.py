"""The systemd unit of an agent: a pure function of its configuration and of the program that runs it.

The service has a user of its own that exists only while it runs (`DynamicUser`), may read every file and change none
but its own. See systemd.exec(5), systemd.service(5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from clew_agent.config import AgentSettings

__all__ = ["STATE_ROOT", "UNIT_NAME", "problems_of", "render_unit"]

UNIT_NAME = "clew-agent.service"
STATE_ROOT = PurePosixPath("/var/lib")
# What a service with a dynamic user gets of its own in place of what is there.
_PRIVATE = (PurePosixPath("/tmp"), PurePosixPath("/var/tmp"), PurePosixPath("/dev"))  # noqa: S108 - none is written to
_MEMORY_BASE_BYTES = 192 << 20
_MIB = 1 << 20
_STOP_MARGIN_S = 20

_STATE = re.compile(r"/var/lib/(?!private(?:/|$))[A-Za-z0-9._/-]+")
_PLAIN = re.compile(r"[A-Za-z0-9._/:=@+-]+")

_TEMPLATE = """\
# Written by `clew agent install`; the next one writes it again. Changes belong into `systemctl edit {name}`.
[Unit]
Description=Clew agent: follows log files and ships every line once
Wants=network-online.target
After=network-online.target
# It is started again for ever: the files wait.
StartLimitIntervalSec=0

[Service]
# Started is who has read his configuration and can be told to read it again.
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
# SIGTERM sends what was read already, for shutdown_flush_s.
TimeoutStopSec={stop_s}

# A user of its own, there only while it runs, that may read every file and change none but its own.
DynamicUser=yes
StateDirectory={state}
StateDirectoryMode=0700
AmbientCapabilities=CAP_DAC_READ_SEARCH
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
ProtectSystem=strict
ProtectHome=read-only
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077

# The host's own work comes first. It needs 64 MiB and what may be in flight; the kernel counts cached files too.
MemoryMax={memory_mib}M
CPUWeight=50
IOWeight=50
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""


def render_unit(settings: AgentSettings, *, config: Path, program: Sequence[str]) -> str:
    """Return the unit's text. `program` runs `clew`; `config` is the absolute path of the configuration."""
    return _TEMPLATE.format(
        name=UNIT_NAME,
        command=" ".join(map(_quote, [*program, "agent", "run", "--config", str(config)])),
        stop_s=round(settings.shutdown_flush_s) + _STOP_MARGIN_S,
        state=PurePosixPath(settings.data).relative_to(STATE_ROOT),
        memory_mib=(_MEMORY_BASE_BYTES + 4 * settings.in_flight_bytes_max) // _MIB,
    )


def problems_of(settings: AgentSettings, *, config: Path, program: Sequence[str]) -> list[str]:
    """Return what cannot work as such a service."""
    problems: list[str] = []
    data = str(settings.data)
    if not _STATE.fullmatch(data) or ".." in PurePosixPath(data).parts:
        problems.append(f"data: {data} must be a plain path beneath {STATE_ROOT}, where systemd keeps services' state")
    seen = [("program", program[0]), ("config", str(config))]
    seen += [("sources", path) for source in settings.sources for path in source.paths]
    problems += [
        f"{what}: a service does not see {path}: its {private} is its own"
        for what, path in seen
        for private in _PRIVATE
        if private in PurePosixPath(path).parents
    ]
    return problems


def _quote(word: str) -> str:
    """Return the word as a unit's command line has it: `%` and `$` are doubled, the rest is escaped in quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'
