"""The account that `clew up --once` prints: what the files had, what the store has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clew_agent.wire import FileLedger
from clew_collector.store.protocol import StoredFile

__all__ = ["Account", "draw_account"]


@dataclass(frozen=True, slots=True)
class Account:
    """Lines and bytes of all files together. `lost` and `doubled` are 0 or something is wrong."""

    files: int
    lines_read: int
    lines_added: int
    lines_stored: int
    bytes_read: int
    bytes_stored: int
    bytes_given_up: int
    bytes_lost: int
    bytes_doubled: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everything read is stored, once, and nothing was given up."""
        return not (self.bytes_lost or self.bytes_doubled or self.bytes_given_up)

    def to_json(self) -> dict[str, Any]:
        """Return the account as one JSON object."""
        return {**asdict(self), "clean": self.clean}


def draw_account(
    ledgers: Sequence[FileLedger],
    stored: Iterable[StoredFile],
    rows: Sequence[Mapping[str, Any]],
    *,
    stored_before: int,
    seconds: float,
) -> Account:
    """Return the account of these ledgers and files; `rows` are the audit's, `stored_before` counts events."""
    files = list(stored)
    lines_stored = sum(file.events for file in files)
    given_up = sum(gone.end - gone.start for ledger in ledgers for gone in ledger.given_up)
    return Account(
        files=len(ledgers),
        lines_read=sum(ledger.lines for ledger in ledgers),
        lines_added=lines_stored - stored_before,
        lines_stored=lines_stored,
        bytes_read=sum(ledger.acknowledged - ledger.first for ledger in ledgers) - given_up,
        bytes_stored=sum(file.bytes for file in files),
        bytes_given_up=given_up,
        bytes_lost=sum(int(row["missing"]) for row in rows),
        bytes_doubled=sum(int(row["doubled"]) for row in rows),
        seconds=round(seconds, 3),
    )
