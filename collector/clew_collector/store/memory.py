"""A store in memory: every method is the meaning of the protocol, written down naively. For tests and small uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from clew_collector.event import Event, severity_class

from .admission import admit
from .expression import Expression
from .limits import check_facet, check_histogram, check_limit
from .matching import facet_values, has_generated_id, keyword, matches
from .protocol import (
    Bucket,
    Cursor,
    FacetValue,
    Item,
    Page,
    SearchRequest,
    StoredFile,
    TransactionCursor,
    TransactionPage,
    TransactionRequest,
    Verdict,
)
from .summary import Summary, check_summary_expression, matches_summary, merge, summarise

__all__ = ["MemoryStore"]


class MemoryStore:
    """Implements `Store`. What was not flushed cannot be found and is lost by `close`."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}
        self._position = 0
        self._written: dict[str, Event] = {}
        self._written_position = 0

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        """Take events; see `Store.write`."""
        return [self._take(item) for item in items]

    def _take(self, item: Item) -> Verdict:
        event = admit(item.event)
        if event is None:
            self._written_position = max(self._written_position, item.position)
            return Verdict.REJECTED
        if item.position <= self._position:
            return Verdict.DUPLICATE
        self._written_position = max(self._written_position, item.position)
        if event.event_id in self._events or event.event_id in self._written:
            return Verdict.DUPLICATE
        self._written[event.event_id] = event
        return Verdict.CREATED

    @property
    def rejections(self) -> Mapping[str, str]:
        """See `Store.rejections`: there is nothing more to say."""
        return {}

    async def flush(self) -> None:
        """Make all that was written searchable."""
        self._events |= self._written
        self._written = {}
        self._position = max(self._position, self._written_position)

    async def position(self) -> int:
        """Return the highest position flushed."""
        return self._position

    def _select(self, expression: Expression, start: int | None, end: int | None) -> list[Event]:
        return [
            event
            for event in self._events.values()
            if (start is None or event.time >= start)
            and (end is None or event.time < end)
            and matches(expression, event)
        ]

    async def search(self, request: SearchRequest) -> Page:
        """Return a page of matching events in order; see `Store.search`."""
        check_limit(request.limit)
        found = self._select(request.expression, request.start, request.end)
        total = len(found)
        descending = request.order == "desc"
        found.sort(key=_place, reverse=descending)
        if request.after is not None:
            after = Cursor(*request.after)
            found = [e for e in found if (_place(e) < after if descending else _place(e) > after)]
        events = tuple(found[: request.limit])
        more = events and len(found) > len(events)
        return Page(events=events, total=total, cursor=_place(events[-1]) if more else None)

    async def count(self, expression: Expression, start: int | None = None, end: int | None = None) -> int:
        """Return how many events match."""
        return len(self._select(expression, start, end))

    async def histogram(self, expression: Expression, *, start: int, end: int, interval: int) -> list[Bucket]:
        """Return counts by severity class for each interval that is not empty."""
        check_histogram(start, end, interval)
        counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for event in self._select(expression, start, end):
            counts[start + (event.time - start) // interval * interval][severity_class(event.severity_number)] += 1
        return [Bucket(start=at, counts=dict(counts[at])) for at in sorted(counts)]

    async def facet(
        self,
        expression: Expression,
        field: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 10,
    ) -> list[FacetValue]:
        """Return a keyword field's most frequent values; see `Store.facet`."""
        check_limit(limit)
        check_facet(field)
        counts = Counter(v for event in self._select(expression, start, end) for v in facet_values(field, event))
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [FacetValue(value, count) for value, count in ranked[:limit]]

    async def time_bounds(self) -> tuple[int, int] | None:
        """Return the lowest and highest event time."""
        times = [event.time for event in self._events.values()]
        return (min(times), max(times)) if times else None

    async def transaction_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        """Return distinct transaction ids that were not generated, in order."""
        check_limit(limit)
        found = {keyword(e.transaction_id) for e in self._events.values() if not has_generated_id(e)}
        return sorted(i for i in found if i > after)[:limit]

    async def transactions(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions; see `Store.transactions`."""
        check_limit(request.limit)
        check_summary_expression(request.expression)
        known: dict[str, Summary] = {}
        for event in self._events.values():
            if (told := summarise(event)) is not None:
                known[told.transaction_id] = merge(known.get(told.transaction_id, told), told)
        found = [
            summary
            for summary in known.values()
            if (request.start is None or summary.start >= request.start)
            and (request.end is None or summary.start < request.end)
            and matches_summary(request.expression, summary)
        ]
        descending = request.order == "desc"
        total = len(found)
        found.sort(key=_begin, reverse=descending)
        if (after := request.after) is not None:
            found = [one for one in found if (_begin(one) < after if descending else _begin(one) > after)]
        page = tuple(found[: request.limit])
        return TransactionPage(page, total, _begin(page[-1]) if page and len(found) > len(page) else None)

    async def get(self, event_id: str) -> Event | None:
        """Return the event of this id."""
        return self._events.get(event_id)

    async def files(self) -> list[StoredFile]:
        """Return what there is of each file, by file id."""
        by_file: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self._events.values():
            if event.file_id:
                by_file[event.file_id].append(event)
        return [_stored_file(file_id, by_file[file_id]) for file_id in sorted(by_file)]

    async def close(self) -> None:
        """Forget what was not flushed."""
        self._written = {}


def _place(event: Event) -> Cursor:
    return Cursor(event.time, event.event_id)


def _begin(summary: Summary) -> TransactionCursor:
    return TransactionCursor(summary.start, summary.transaction_id)


def _stored_file(file_id: str, events: list[Event]) -> StoredFile:
    last = max(events, key=lambda event: event.event_id)
    return StoredFile(
        file_id=file_id,
        source=last.source,
        host=last.host,
        service=last.service,
        events=len(events),
        bytes=sum(event.length for event in events),
        start=min(event.offset for event in events),
        end=last.offset + last.length,
    )
