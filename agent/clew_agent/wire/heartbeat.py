"""What an agent says of itself every few seconds: the ledger of every file that it knows."""

from __future__ import annotations

import msgspec

__all__ = ["ClockOffset", "FileLedger", "GivenUp", "Heartbeat"]


class GivenUp(msgspec.Struct, frozen=True):
    """Bytes that will never be shipped, and why."""

    start: int
    end: int
    reason: str


class ClockOffset(msgspec.Struct, frozen=True, kw_only=True):
    """How far the agent's clock is ahead of its receiver's, ns, as last measured."""

    offset_ns: int
    uncertainty_ns: int
    """The true offset lies within so much of it."""
    measured_ns: int
    """When, ns UTC by the agent's clock."""


class FileLedger(msgspec.Struct, frozen=True, kw_only=True):
    """One file's account, in bytes: acknowledged <= shipped <= seen.

    Offsets are positions in the file; a line is counted once it is complete. `given_up` is kept apart.
    """

    file_id: str
    path: str
    host: str
    service: str
    instance: str = ""
    first: int = 0
    """Where reading began (not 0 if older content was skipped on purpose)."""
    seen: int = 0
    """The file's size when last looked at."""
    shipped: int = 0
    """Sent up to here."""
    acknowledged: int = 0
    """The receiver has everything between `first` and here, save what was given up."""
    lines: int = 0
    """Lines acknowledged since `first`, over all runs."""
    given_up: tuple[GivenUp, ...] = ()
    behind_since_ns: int = 0
    """Since when the file has had bytes that are not acknowledged now, ns UTC; 0 if it has none."""
    gone: bool = False
    """The file no longer exists and was read to the end."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's report. A later one (by `sent_ns`) replaces the earlier."""

    agent_id: str
    host: str
    version: str
    sent_ns: int
    started_ns: int
    files: tuple[FileLedger, ...] = ()
    errors: dict[str, str] = {}
    """Path or stage -> what is wrong there now, in words."""
    clock: ClockOffset | None = None
    """None where it could not be measured."""
