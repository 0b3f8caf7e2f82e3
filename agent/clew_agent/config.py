"""What an agent's configuration file may say; read once, checked whole."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, StringConstraints, Tag, ValidationInfo, field_validator

from clew_agent.encoding import is_encoding
from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.settings import Settings
from clew_agent.stamp import StampSettings

__all__ = ["AgentSettings", "FromPath", "SourceSettings"]

MIB = 1 << 20

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]


class FromPath(Settings):
    """A name taken from the file's path."""

    from_: Literal["path"] = Field(alias="from")
    """Where the name comes from: `path`."""
    pattern: str
    """A regular expression, searched in the path, with a group named like the setting it stands in."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return pattern


def _kind(value: Any) -> str:
    return "from_path" if isinstance(value, dict | FromPath) else "name"


# The tag appears in error messages (`sources.0.service.from_path.pattern`), so it reads like a key.
Naming = Annotated[Annotated[Name, Tag("name")] | Annotated[FromPath, Tag("from_path")], Discriminator(_kind)]


class SourceSettings(Settings):
    """Some files, and who writes them."""

    paths: tuple[str, ...] = Field(min_length=1)
    """Absolute globs of log files; `**` matches any number of directories."""
    exclude: tuple[str, ...] = ()
    """Globs of paths that are left alone although `paths` matches them; `*` matches `/` too."""
    service: Naming | None = None
    """Who writes; by default the container whose place it is, else the file's name without `.log`."""
    instance: Naming | None = None
    """Which of the service's processes writes; by default the pod or container, else empty."""
    host: Naming | None = None
    """Where it runs; by default the agent's host."""
    format: Literal["auto"] = "auto"
    """How the lines are laid out: found out by itself."""
    join_parts: Literal["cri", "all", "none"] = "cri"
    """Whose parts of long lines are made one: those of a runtime that marks them (CRI's `P` and `F`), or Docker's too.
    In Docker's json-file a text without a line end is a part, or all that was written: each line stays an event."""
    encoding: str = "auto"
    """Of the files' characters: `auto` is UTF-8, or what a byte order mark says; else a name like `shift_jis`."""

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        if encoding != "auto" and not is_encoding(encoding):
            raise ValueError("is no encoding that Python knows, in which lines can be told apart")
        return encoding

    @field_validator("paths", "exclude")
    @classmethod
    def _absolute(cls, paths: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        base = (info.context or {}).get("base")
        if not all(path.strip() for path in paths):
            raise ValueError("a path is empty")
        if info.field_name != "paths":
            return paths
        absolute = tuple(os.path.join(base, path) for path in paths) if base else paths  # noqa: PTH118 - a glob
        for path in absolute:
            if not path.startswith("/"):
                raise ValueError(f"{path!r} must be absolute: it must mean the same wherever the agent is started")
        return absolute

    @field_validator("service", "instance", "host")
    @classmethod
    def _has_its_group(cls, naming: str | FromPath | None, info: ValidationInfo) -> str | FromPath | None:
        group = str(info.field_name)
        if isinstance(naming, FromPath) and group not in re.compile(naming.pattern).groupindex:
            raise ValueError(f"the pattern needs a group of that name: (?P<{group}>...)")
        return naming


class AgentSettings(Settings):
    """An agent's configuration. Bytes and seconds are in the names."""

    sources: tuple[SourceSettings, ...]
    """Which files, in order: a file that two sources match belongs to the first."""
    server: str = "http://127.0.0.1:8900"
    """Where chunks go: `http://` or `https://` of a collector, or `kafka://HOST:PORT[,HOST:PORT]...[/PREFIX]`."""
    kafka: KafkaSettings = KafkaSettings()
    """The way into Kafka, where `server` is one."""
    data: Path = Path("/var/lib/clew/agent")
    """The agent's own directory: checkpoint, status, lock."""
    agent_id: str = ""
    """Its name among agents; by default a random one, kept in `data`."""
    host: Name = Field(default_factory=socket.gethostname)
    """The name of this host."""
    stamp: StampSettings = StampSettings()
    """How lines get their transaction ids."""

    start: Literal["beginning", "end"] = "beginning"
    """Where to begin files that are there when the agent runs for the first time."""
    watch: bool = True
    """Be told of changes by inotify; the periodic scan finds everything without it, only later."""
    scan_interval_s: float = Field(default=2.0, gt=0, le=3600)
    """How often the globs are searched and every file is looked at."""
    linger_s: float = Field(default=0.02, ge=0, le=10)
    """How long to wait after a change for more of them."""

    # Measured on 600 MB of lines: each batch costs the event loop and its threads 0.8 ms, so that twice as much in
    # flight is 12 % faster for 3 MiB; four times as much is another 6 % for 6 MiB more.
    read_bytes_max: int = Field(default=MIB // 4, ge=4096, le=MIB)
    """How much is read from one file at once: a chunk."""
    line_bytes_max: int = Field(default=MIB, ge=1024, le=8 * MIB)
    """Longer lines are cut: this much of their head is kept, the rest is counted."""
    in_flight_bytes_max: int = Field(default=2 * MIB, validate_default=True, ge=8192, le=64 * MIB)
    """How much may be read and not yet acknowledged; then reading waits."""
    batch_chunks_max: int = Field(default=256, ge=1, le=4096)
    """How many chunks (of small files) go in one request."""
    open_files_max: int = Field(default=512, ge=1)
    """How many files are held open; idle ones are closed first, and opened again when they change."""
    rotated_idle_s: float = Field(default=10.0, ge=0)
    """A file that was moved away or deleted is released once it was read to its end and idle for so long."""
    rotated_hold_s: float = Field(default=86400.0, ge=0)
    """A file that was moved away or deleted is kept open, while it cannot be read to its end, for so long at most."""
    rotated_hold_bytes_max: int = Field(default=4096 * MIB, ge=0)
    """Deleted files that are not read to their end may hold so much of the disk; the oldest are given up first."""
    copy_wait_s: float = Field(default=2.0, ge=0)
    """A new file that begins like one that is followed may be its copy: it is read once it did not change for so long,
    unless the other one is truncated meanwhile."""
    unpacked_bytes_max: int = Field(default=4096 * MIB, ge=MIB)
    """The greatest content of a compressed file; it is unpacked into `data` to be read."""

    send_timeout_s: float = Field(default=30.0, gt=0)
    """How long the receiver may take to answer."""
    retry_initial_s: float = Field(default=0.2, gt=0)
    """The first wait before a failed send is repeated; each further one is twice as long."""
    retry_max_s: float = Field(default=30.0, validate_default=True, gt=0)
    """The longest wait between repetitions, of which there is no end."""
    compression_level: int = Field(default=1, ge=0, le=19)
    """zstd's level; 0 compresses nothing, for a receiver that is near."""

    refused_bytes_max: int = Field(default=16 * MIB, ge=0)
    """How large `refused.jsonl` in `data` may grow, which keeps the lines that the receiver will never take; further
    ones are only counted."""

    checkpoint_interval_s: float = Field(default=1.0, ge=0)
    """How often what was acknowledged is written down; after a crash so much is sent again, under the same ids."""
    heartbeat_interval_s: float = Field(default=5.0, gt=0)
    """How often the receiver is told the account of every file; rarer if that would take over 1 % of a core."""
    status_interval_s: float = Field(default=1.0, gt=0)
    """How often `clew agent status` gets news; rarer if telling of every file would take over 1 % of a core."""
    shutdown_flush_s: float = Field(default=10.0, ge=0)
    """How long to go on sending, when told to stop, what was read already."""
    forget_after_s: float = Field(default=7 * 86400.0, ge=0)
    """How long the account of a file that is gone is kept."""
    gone_files_max: int = Field(default=10_000, ge=1)
    """How many accounts of files that are gone are kept at most, about 3 KiB each; those longest gone go first."""

    metrics_listen: str = ""
    """HOST:PORT that answers `/metrics` (Prometheus) and `/healthz`; empty for none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What of its own doings the agent logs, on stderr."""

    # Not Field(min_length=1): that would complain of no sources where all of them have mistakes of their own.
    @field_validator("sources")
    @classmethod
    def _some(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        if not sources:
            raise ValueError("must name at least one source")
        return sources

    @field_validator("server")
    @classmethod
    def _known_transport(cls, server: str) -> str:
        if server.startswith("kafka:"):
            KafkaAddress.parse(server)
            return server
        url = urlsplit(server)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("must be the URL of a collector, http://HOST:PORT or https://HOST:PORT, or of Kafka")
        return server

    @field_validator("data")
    @classmethod
    def _data_absolute(cls, data: Path) -> Path:
        if not data.is_absolute():
            raise ValueError("must be absolute: it must be the same wherever the agent is started")
        return data

    @field_validator("in_flight_bytes_max")
    @classmethod
    def _holds_every_line(cls, in_flight: int, info: ValidationInfo) -> int:
        # One batch is on its way while the next one is read; a very long line takes the room of both.
        for key, times in (("read_bytes_max", 2), ("line_bytes_max", 1)):
            if in_flight < times * info.data.get(key, 0):
                raise ValueError(f"must be at least {'twice ' * (times > 1)}{key}, {times * info.data[key]}")
        return in_flight

    @field_validator("retry_max_s")
    @classmethod
    def _not_below_the_first(cls, longest: float, info: ValidationInfo) -> float:
        if longest < info.data.get("retry_initial_s", 0):
            raise ValueError("must not be below retry_initial_s")
        return longest

    @field_validator("metrics_listen")
    @classmethod
    def _listens(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if listen and not (host and port.isdecimal() and int(port) < 1 << 16):
            raise ValueError("must be HOST:PORT")
        return listen

    @property
    def batch_bytes_max(self) -> int:
        """How much one request carries, if no line is longer: half of what may be in flight."""
        return self.in_flight_bytes_max // 2
