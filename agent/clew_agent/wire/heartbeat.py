"""What an agent says of itself every few seconds: the ledger of every file that it knows."""

from __future__ import annotations

import msgspec

__all__ = ["FileLedger", "GivenUp", "Heartbeat"]


class GivenUp(msgspec.Struct, frozen=True):
    """Bytes that will never be shipped, and why."""

    start: int
    end: int
    reason: str


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
