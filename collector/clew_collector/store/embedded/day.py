"""The index of one day of the log: opened, asked. One engine's answers; joining several days is `EmbeddedStore`'s."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tantivy
from tantivy import Query

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.admission import OFFSET_MAX
from clew_collector.store.expression import Expression
from clew_collector.store.place import place_of
from clew_collector.store.protocol import Cursor, StoredFile

from .document import decode_event
from .failure import store_failures
from .histogram import SeverityCounts, count_by_interval
from .query import QueryBuilder, all_of, behind, between, has, in_time, place_query
from .ranking import first_documents
from .schema import MARK_IRREGULAR, RECORD_FIELD, SCHEMA, register_tokens
from .terms import term, term_prefix

__all__ = ["Day", "DaySnapshot", "day_directories", "open_day"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_META = "meta.json"
_RECORDS_AT_ONCE = 8


def day_directories(directory: Path) -> list[Path]:
    """Return the directories of days, oldest first; whatever else lies there is left alone."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _DAY.fullmatch(path.name) and path.is_dir())


def has_index(directory: Path) -> bool:
    """Return whether an index was begun here; StoreError where one was and its head is gone."""
    if (directory / _META).exists():
        return True
    if any(path.suffix in {".idx", ".store", ".fast"} for path in directory.iterdir()):
        raise StoreError(
            f"the index {directory} has lost its {_META}",
            hint="stop Clew, move this directory away and rebuild it from the log with `clew replay`",
        )
    return False


class DaySnapshot:
    """What an index held at one commit. Immutable, for any number of threads."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self.searcher = searcher
        self._builder = QueryBuilder(searcher)

    @cached_property
    def time_bounds(self) -> tuple[int, int] | None:
        """The lowest and highest time; exact, which the engine's aggregations (doubles) are not."""
        low, high = self._extreme("time", tantivy.Order.Asc), self._extreme("time", tantivy.Order.Desc)
        return None if low is None or high is None else (low, high)

    @cached_property
    def position(self) -> int:
        """The highest log position, 0 if there is no event."""
        return self._extreme("position", tantivy.Order.Desc) or 0

    def _extreme(self, field: str, order: tantivy.Order) -> int | None:
        hits = self.searcher.search(Query.all_query(), 1, count=False, order_by_field=field, order=order).hits
        return int(hits[0][0]) if hits else None

    def overlaps(self, start: int | None, end: int | None) -> bool:
        """Return whether an event may lie in `start` <= time < `end`."""
        bounds = self.time_bounds
        if bounds is None:
            return False
        return (start is None or bounds[1] >= start) and (end is None or bounds[0] < end)

    def query(self, expression: Expression, start: int | None = None, end: int | None = None) -> Query:
        """Return the query of an expression within a range of time."""
        found = self._builder.build(expression)
        times = in_time(start, end)
        return found if times is None else all_of(found, times)

    def count(self, query: Query) -> int:
        """Return how many events a query finds."""
        found: int = self.searcher.search(query, 1, count=True).count  # type: ignore[attr-defined]  # not in its stubs
        return found

    def first(self, query: Query, limit: int, *, descending: bool, after: Cursor | None = None) -> list[Event]:
        """Return the query's first events behind a place, unordered."""
        if after is not None:
            query = all_of(query, behind(after, descending=descending))
        return self._load(first_documents(self.searcher, query, limit, descending=descending))

    def events_behind(self, position: int) -> Iterator[Event]:
        """Yield the events of records behind a log position."""
        # By position, as many records at once as there may be events.
        for first in range(position + 1, self.position + 1, _RECORDS_AT_ONCE):
            query = between("position", first, first + _RECORDS_AT_ONCE - 1)
            hits = self.searcher.search(query, max(self.count(query), 1), count=False).hits
            yield from self._load([address for _score, address in hits])

    def _load(self, addresses: list[tantivy.DocAddress]) -> list[Event]:
        # In the order of the documents, as neighbours share a compressed block.
        addresses = sorted(addresses, key=lambda address: (address.segment_ord, address.doc))
        return [decode_event(self.searcher.doc(address)["event"][0]) for address in addresses]

    def get(self, event_id: str) -> Event | None:
        """Return the event of an id."""
        place = place_of(event_id)
        if place is None:
            return None
        hits = self.searcher.search(place_query(place, place), 1, count=False).hits
        return self._load([hits[0][1]])[0] if hits else None

    def records_among(self, event_ids: list[str]) -> set[str]:
        """Return which of these are ids of events that are here and came from no file."""
        query = Query.term_set_query(SCHEMA, "terms", [term(RECORD_FIELD, event_id) for event_id in event_ids])
        hits = self.searcher.search(query, len(event_ids), count=False).hits
        return {event.event_id for event in self._load([address for _score, address in hits])}

    def last_event_id(self, file_id: str) -> str:
        """Return the file's highest event id, empty if there is no event of it."""
        query = has("file", file_id)
        hits = self._last_of(query)
        return f"{file_id}{int(hits[0][0]) & OFFSET_MAX:012x}" if hits else ""

    def _last_of(self, file: Query) -> list[tuple[int, tantivy.DocAddress]]:
        return self.searcher.search(file, 1, count=False, order_by_field="place_low", order=tantivy.Order.Desc).hits

    def values(self, query: Query, field: str) -> Counter[str]:
        """Return how many of the query's events have which value of a keyword field or attribute."""
        return Counter(dict(self._keywords(field, among=query)))

    def _keywords(self, field: str, begin: str = "", among: Query | None = None) -> Iterator[tuple[str, int]]:
        """Yield a field's keywords that begin so, and how many events (of a query) have them: at least one."""
        prefix = term_prefix(field)
        for found, count in self.searcher.terms_with_prefix("terms", prefix + begin, among):
            if count:
                yield found[len(prefix) :], count

    def histogram(self, query: Query, start: int, end: int, interval: int) -> SeverityCounts:
        """Return counts by number of the interval and severity number."""
        return count_by_interval(self.searcher, query, start, end, interval)

    def transaction_ids(self, prefix: str) -> list[str]:
        """Return the transaction ids that begin so and were not generated."""
        return [value for value, _count in self._keywords("transaction_id", prefix)]

    @cached_property
    def irregular_transaction_ids(self) -> list[str]:
        """The transaction ids that are not 32 hex digits."""
        query = has("mark", MARK_IRREGULAR)
        if not self.count(query):
            return []
        return [value for value, _count in self._keywords("transaction_id", among=query)]

    def files(self) -> Iterator[StoredFile]:
        """Yield what there is of each file."""
        for file_id, events in self._keywords("file"):
            yield self._file(file_id, events)

    def _file(self, file_id: str, events: int) -> StoredFile:
        query = has("file", file_id)
        # Bytes of a file are far below 2^53: doubles hold the sum and the offset exactly.
        sums = self.searcher.aggregate(
            query, {"bytes": {"sum": {"field": "length"}}, "start": {"min": {"field": "offset"}}}
        )
        (last,) = self._load([self._last_of(query)[0][1]])
        return StoredFile(
            file_id=file_id,
            source=last.source,
            host=last.host,
            service=last.service,
            events=events,
            bytes=int(sums["bytes"]["value"]),
            start=int(sums["start"]["value"]),
            end=last.offset + last.length,
        )


@dataclass(frozen=True)
class Day:
    """An open index; `snapshot` is what its last commit holds."""

    directory: Path
    index: tantivy.Index

    def snapshot(self) -> DaySnapshot:
        """Return what is committed now, for questions."""
        with store_failures(f"cannot read the index {self.directory}"):
            self.index.reload()
            return DaySnapshot(self.index.searcher())


def open_day(directory: Path) -> Day:
    """Open the index, or begin one where there is none; StoreError if it is damaged or of another version."""
    has_index(directory)
    with store_failures(f"cannot open the index {directory}"):
        index = tantivy.Index(SCHEMA, path=str(directory))
        register_tokens(index)
        # The store decides when a commit becomes visible; the engine's own watcher would be a thread for each day.
        index.config_reader("manual")
        return Day(directory, index)
