"""A store's answers, joined from those of its days. Synchronous; what is promised stands at `Store`'s methods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from clew_collector.event import Event, severity_class
from clew_collector.store.expression import Expression
from clew_collector.store.protocol import Bucket, Cursor, FacetValue, Page, SearchRequest, StoredFile

from .day import DaySnapshot

__all__ = ["count", "facet", "files", "get", "histogram", "position", "search", "time_bounds", "transaction_ids"]

Days = Sequence[DaySnapshot]
# So that a page of transaction ids reads a small part of the dictionary: more digits, the more events there are.
_PREFIX_DIGITS = ((1 << 16, 1), (1 << 20, 2), (1 << 63, 3))


def position(days: Days) -> int:
    """Return the highest log position."""
    return max((day.position for day in days), default=0)


def search(days: Days, request: SearchRequest) -> Page:
    """Return a page of events."""
    descending = request.order == "desc"
    total, found = 0, list[Event]()
    for day in _overlapping(days, request.start, request.end):
        query = day.query(request.expression, request.start, request.end)
        total += day.count(query)
        found += day.first(query, request.limit + 1, descending=descending, after=request.after)
    found.sort(key=lambda event: (event.time, event.event_id), reverse=descending)
    events = tuple(found[: request.limit])
    more = events and len(found) > len(events)
    return Page(events=events, total=total, cursor=_place(events[-1]) if more else None)


def _place(event: Event) -> Cursor:
    return Cursor(event.time, event.event_id)


def _overlapping(days: Days, start: int | None, end: int | None) -> Iterator[DaySnapshot]:
    return (day for day in days if day.overlaps(start, end))


def count(days: Days, expression: Expression, start: int | None, end: int | None) -> int:
    """Return how many events match."""
    return sum(day.count(day.query(expression, start, end)) for day in _overlapping(days, start, end))


def histogram(days: Days, expression: Expression, start: int, end: int, interval: int) -> list[Bucket]:
    """Return counts by interval and severity class."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for day in _overlapping(days, start, end):
        for number, severities in day.histogram(day.query(expression), start, end, interval).items():
            for severity, events in severities.items():
                counts[number][severity_class(severity)] += events
    return [Bucket(start=start + number * interval, counts=dict(counts[number])) for number in sorted(counts)]


def facet(
    days: Days, expression: Expression, field: str, *, start: int | None, end: int | None, limit: int
) -> list[FacetValue]:
    """Return the most frequent values."""
    counts: Counter[str] = Counter()
    for day in _overlapping(days, start, end):
        counts.update(day.values(day.query(expression, start, end), field))
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [FacetValue(value, events) for value, events in ranked[:limit]]


def time_bounds(days: Days) -> tuple[int, int] | None:
    """Return the lowest and highest time."""
    bounds = [day.time_bounds for day in days if day.time_bounds is not None]
    return (min(low for low, _high in bounds), max(high for _low, high in bounds)) if bounds else None


def transaction_ids(days: Days, after: str, limit: int) -> list[str]:
    """Return the next transaction ids.

    The engine lists a dictionary by prefix only, so the prefixes of regular ids are walked in order until there are
    enough; what is no regular id is listed whole, as there is hardly any.
    """
    events = sum(day.searcher.num_docs for day in days)
    digits = next(digits for most, digits in _PREFIX_DIGITS if events < most)
    found: set[str] = set()
    for prefix in map("".join, product("0123456789abcdef", repeat=digits)):
        if len(found) >= limit:
            break
        if prefix >= after[:digits]:
            found.update(i for day in days for i in day.transaction_ids(prefix) if i > after)
    found.update(i for day in days for i in day.irregular_transaction_ids if i > after)
    return sorted(found)[:limit]


def get(days: Days, event_id: str) -> Event | None:
    """Return the event of an id; the newest day is the likeliest."""
    return next((event for day in reversed(days) if (event := day.get(event_id)) is not None), None)


def files(days: Days) -> list[StoredFile]:
    """Return what there is of each file over all days."""
    whole: dict[str, StoredFile] = {}
    for day in days:
        for part in day.files():
            known = whole.get(part.file_id)
            whole[part.file_id] = _joined(known, part) if known else part
    return [whole[file_id] for file_id in sorted(whole)]


def _joined(one: StoredFile, other: StoredFile) -> StoredFile:
    last = max(one, other, key=lambda part: part.end)
    return replace(
        last, events=one.events + other.events, bytes=one.bytes + other.bytes, start=min(one.start, other.start)
    )
