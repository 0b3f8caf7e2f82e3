"""What a running agent says of itself in its directory, for `clew agent status`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from clew_agent.durable import replace_file
from clew_agent.errors import ClewError
from clew_agent.load import saturated
from clew_agent.lock import lock_holder
from clew_agent.wire import FileLedger, Heartbeat

__all__ = ["AgentStatus", "Status", "healthy", "lag_bytes", "read_status", "write_status"]

_NAME = "status.json"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `status.json`."""

    pid: int
    server: str
    in_flight_bytes: int
    open_files: int
    load: dict[str, float] = {}
    """Share of the time of each stage of late: `reading`, `receiver` (waiting for it), `idle`."""
    heartbeat: Heartbeat

    @property
    def saturated(self) -> str:
        """The stage that holds up the others, empty if none does."""
        return saturated(self.load)


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What is known of an agent from outside."""

    running: bool
    pid: int | None
    """Of the process that holds the directory."""
    status: Status | None
    """As last written, perhaps by an agent that has ended since."""


def write_status(directory: Path, status: Status) -> None:
    """Replace the status. OSError if that fails. Not durable: it is worth nothing after a crash."""
    replace_file(directory / _NAME, msgspec.json.encode(status), durable=False)


def read_status(directory: Path) -> AgentStatus:
    """Return what an agent's directory says. ClewError if it cannot be read."""
    try:
        holder = lock_holder(directory)
        data = (directory / _NAME).read_bytes()
    except FileNotFoundError:
        return AgentStatus(holder is not None, holder, None)
    except OSError as error:
        raise ClewError(
            f"the agent's directory {directory} cannot be read: {error.strerror}", hint="run this as the agent's user"
        ) from error
    try:
        status = msgspec.json.decode(data, type=Status)
    except msgspec.MsgspecError as error:
        raise ClewError(
            f"{directory / _NAME} is no agent's status: {error}", hint="see that `data` is the agent's own directory"
        ) from error
    return AgentStatus(holder is not None, holder, status)


def healthy(directory: Path, *, age_s_max: float) -> tuple[bool, dict[str, Any]]:
    """Return whether the agent in this directory has told its status of late, and what it said."""
    status = read_status(directory).status
    if status is None:
        return False, {"status": "starting"}
    age_s = time.time() - status.heartbeat.sent_ns / 1e9
    works = age_s <= age_s_max
    return works, {
        "status": "ok" if works and not status.heartbeat.errors else "degraded" if works else "stuck",
        "age_s": round(age_s, 3),
        "lag_bytes": sum(lag_bytes(file) for file in status.heartbeat.files),
        "saturated": status.saturated,
        "errors": status.heartbeat.errors,
    }


def lag_bytes(file: FileLedger) -> int:
    """Return how much of a file is there and not acknowledged."""
    return 0 if file.gone else max(0, file.seen - file.acknowledged)
