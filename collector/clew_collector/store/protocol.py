"""The seam to the store: write events with a verdict each, search them. Derived from the log, can be rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, Protocol

import msgspec

from clew_collector.event import Event

from .expression import ALL, Expression
from .summary import Summary

__all__ = [
    "Bucket",
    "Cursor",
    "FacetValue",
    "Item",
    "Page",
    "SearchRequest",
    "Store",
    "StoredFile",
    "TransactionCursor",
    "TransactionPage",
    "TransactionRequest",
    "Verdict",
]

LIMIT_MAX = 10_000


class Verdict(Enum):
    """What became of an item."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class Item(msgspec.Struct, frozen=True, gc=False):
    """An event and the log position of the record that it came from."""

    position: int
    event: Event


class Cursor(NamedTuple):
    """A place in the total order of events, `(time, event_id)`."""

    time: int
    event_id: str


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Which events, in which order. The range is `start` <= time < `end`, ns UTC; None is open."""

    expression: Expression = ALL
    start: int | None = None
    end: int | None = None
    order: Literal["asc", "desc"] = "desc"
    limit: int = 100
    after: Cursor | None = None
    """Continue behind this place (in the request's order)."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events. `total` counts all that match the expression and range, whatever the page."""

    events: tuple[Event, ...]
    total: int
    cursor: Cursor | None
    """Where to go on; None when nothing follows."""


class TransactionCursor(NamedTuple):
    """A place in the total order of transactions, `(start, transaction_id)`."""

    start: int
    transaction_id: str


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """Which transactions, by their summaries, in which order. The range is `start` <= begin < `end`; None is open."""

    expression: Expression = ALL
    """Over `summary.SUMMARY_FIELDS`."""
    start: int | None = None
    end: int | None = None
    order: Literal["asc", "desc"] = "desc"
    limit: int = 100
    after: TransactionCursor | None = None


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """A page of transactions. `total` counts all that match, whatever the page."""

    summaries: tuple[Summary, ...]
    total: int
    cursor: TransactionCursor | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Events of one interval beginning at `start` (ns UTC): counts by severity class."""

    start: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value and how many events have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the store has of one file, in bytes and events; `bytes` sums the events' lengths."""

    file_id: str
    source: str
    host: str
    service: str
    events: int
    bytes: int
    start: int
    end: int


class Store(Protocol):
    """Implementations: embedded (tantivy), Elasticsearch, memory. One contract suite over all."""

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        """Take events, in rising position, one verdict each; not durable or searchable before `flush` returns.

        An event whose id is there already, or whose position is not above `position()`, is a DUPLICATE. Raises
        StoreError when the store as a whole cannot write; then everything since the last flush counts as not written.
        """

    @property
    def rejections(self) -> Mapping[str, str]:
        """Why the events that the last `write` rejected were, by event id, as far as there is more to say."""

    async def flush(self) -> None:
        """Make all that was written durable and searchable. Raises StoreError as `write`."""

    async def position(self) -> int:
        """Return the highest log position that is durable; reading goes on behind it. 0 when empty."""

    async def search(self, request: SearchRequest) -> Page:
        """Return a page of matching events in the total order `(time, event_id)`."""

    async def count(self, expression: Expression, start: int | None = None, end: int | None = None) -> int:
        """Return how many events match."""

    async def histogram(self, expression: Expression, *, start: int, end: int, interval: int) -> list[Bucket]:
        """Return counts by severity class for each interval (ns) of the range that is not empty, in order of time."""

    async def facet(
        self,
        expression: Expression,
        field: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 10,
    ) -> list[FacetValue]:
        """Return a keyword field's most frequent values among matching events, most frequent first, ties by value."""

    async def time_bounds(self) -> tuple[int, int] | None:
        """Return the lowest and highest event time (ns UTC), None when empty."""

    async def transaction_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        """Return distinct transaction ids above `after`, in order, of events whose id was not generated."""

    async def transactions(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions whose id was not generated, in the total order `(start, transaction_id)`.

        StoreError for an expression over anything else than `summary.SUMMARY_FIELDS`.
        """

    async def get(self, event_id: str) -> Event | None:
        """Return the event of this id."""

    async def files(self) -> list[StoredFile]:
        """Return what the store has of each file, by file id."""

    async def close(self) -> None:
        """Free files and threads. What was not flushed is written again from the log later."""
