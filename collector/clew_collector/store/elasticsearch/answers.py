"""Asking: an expression becomes a search request, and its answer what the protocol promises."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec

from clew_collector.errors import StoreError
from clew_collector.event import Event, severity_class
from clew_collector.store.admission import INT64_MAX, INT64_MIN
from clew_collector.store.expression import Expression
from clew_collector.store.place import PLACE_MAX, first_place, place_of
from clew_collector.store.protocol import LIMIT_MAX, Bucket, Cursor, FacetValue, Page, SearchRequest, StoredFile

from .connection import Connection, refused
from .document import Document, decode, signed
from .hint import transactions_sought
from .names import DAY_NS, Names
from .patterns import Sought
from .query import EVERYTHING, Query, QueryBuilder, all_of, between, facet_column, within

__all__ = ["Answers", "search_after"]

ORDER = ("time", "place_high", "place_low")
FILTERS_MAX = 500
"""Intervals of a histogram asked for at once."""
FILES_MAX = 1_000
"""Files asked for at once."""
FACET_CANDIDATES = 10_000
"""Values that each shard names; only where a shard has more of them can a count be short, which it says."""
FACET_KEY_CHARACTERS_MAX = 400
"""Elasticsearch takes patterns of up to 1,000 characters."""
WALK_KEYWORDS_MAX = 200_000
ATTEMPTS_MAX = 10
ATTEMPT_WAIT_S = 0.3
"""A shard that was made a moment ago is not yet there to be asked."""
_SEARCH = {
    "ignore_unavailable": "true", "allow_no_indices": "true", "allow_partial_search_results": "false",
}  # fmt: skip


class _Total(msgspec.Struct):
    value: int


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    source: Document | None = msgspec.field(default=None, name="_source")
    sort: list[int] = []


class _Hits(msgspec.Struct):
    hits: list[_Hit]
    total: _Total | None = None


class _Value(msgspec.Struct):
    value: float | None


class _Top(msgspec.Struct):
    hits: _Hits


class _Group(msgspec.Struct):
    """A bucket of any aggregation of ours."""

    doc_count: int
    key: Any = None
    severities: _Groups | None = None
    bytes: _Value | None = None
    start: _Value | None = None
    last: _Top | None = None


class _Groups(msgspec.Struct):
    buckets: list[_Group]
    doc_count_error_upper_bound: int = 0
    after_key: dict[str, str] | None = None


class _Aggregations(msgspec.Struct):
    found: _Groups


class _Found(msgspec.Struct):
    hits: _Hits
    timed_out: bool = False
    aggregations: _Aggregations | None = None

    @property
    def total(self) -> int:
        return self.hits.total.value if self.hits.total else 0

    @property
    def groups(self) -> _Groups:
        """What was grouped; nothing where there is no index to ask."""
        return self.aggregations.found if self.aggregations else _Groups([])


_decode_found = msgspec.json.Decoder(_Found).decode


def search_after(cursor: Cursor, *, descending: bool) -> list[int] | None:
    """Return the place behind which a page begins, in terms of `ORDER`; there need be no event there.

    None when every event is behind it. A cursor that no event is behind gives a place that none is behind either.
    """
    time, place = cursor.time, first_place(cursor.event_id, above=not descending)
    if descending:
        if place > PLACE_MAX:
            time, place = time + 1, 0
        if time > INT64_MAX:
            return None
        if time < INT64_MIN:
            time, place = INT64_MIN, 0
    else:
        place -= 1
        if place < 0:
            time, place = time - 1, PLACE_MAX
        if time < INT64_MIN:
            return None
        if time > INT64_MAX:
            time, place = INT64_MAX, PLACE_MAX
    return [time, *signed(place)]


class Answers:
    """Asks all days that can have an answer, at once."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        *,
        days_of: Callable[[Collection[str]], Awaitable[list[str] | None]],
    ) -> None:
        self._connection = connection
        self._names = names
        self._days_of = days_of

    async def search(self, request: SearchRequest) -> Page:
        """Return a page of events."""
        descending = request.order == "desc"
        body: dict[str, Any] = {
            "query": await self._query(request.expression, request.start, request.end),
            "size": request.limit + 1 if request.limit else 0,
            "track_total_hits": True,
        }
        if request.limit:
            body["sort"] = [{name: request.order} for name in ORDER]
            if request.after is not None and (after := search_after(request.after, descending=descending)):
                body["search_after"] = after
        found = await self._ask(await self._path(request.expression, request.start, request.end), body)
        events = tuple(_event(hit) for hit in found.hits.hits[: request.limit])
        more = events and len(found.hits.hits) > len(events)
        cursor = Cursor(events[-1].time, events[-1].event_id) if more else None
        return Page(events=events, total=found.total, cursor=cursor)

    async def count(self, expression: Expression, start: int | None, end: int | None) -> int:
        """Return how many events match."""
        query = await self._query(expression, start, end)
        body = {"query": query, "size": 0, "track_total_hits": True}
        return (await self._ask(await self._path(expression, start, end), body)).total

    async def histogram(self, expression: Expression, start: int, end: int, interval: int) -> list[Bucket]:
        """Return counts by interval and severity class.

        By a range query for each interval: the engine's own histograms count in doubles, which are 256 ns apart.
        """
        query, path, found = await self._query(expression), self._names.within(start, end), list[Bucket]()
        starts = range(start, end, interval)
        for first in range(0, len(starts), FILTERS_MAX):
            part = starts[first : first + FILTERS_MAX]
            filters = [between("time", at, min(at + interval, end) - 1) for at in part]
            stretch = between("time", part[0], min(part[-1] + interval, end) - 1)
            severities = {"severities": {"terms": {"field": "severity_number", "size": 32}}}
            grouped = await self._group(
                path, all_of(query, stretch), {"filters": {"filters": filters}, "aggs": severities}
            )
            for at, group in zip(part, grouped.buckets, strict=False):
                if group.doc_count:
                    found.append(Bucket(start=at, counts=_by_class(group)))
        return found

    async def facet(
        self, expression: Expression, field: str, *, start: int | None, end: int | None, limit: int
    ) -> list[FacetValue]:
        """Return the most frequent values."""
        if not limit:
            return []
        column, prefix = facet_column(field)
        query, path = await self._query(expression, start, end), await self._path(expression, start, end)
        wanted: dict[str, Any] = {
            "field": column, "size": limit, "shard_size": max(limit, FACET_CANDIDATES),
            "order": [{"_count": "desc"}, {"_key": "asc"}],
        }  # fmt: skip
        if prefix:
            if len(prefix) > FACET_KEY_CHARACTERS_MAX:
                raise StoreError(
                    f"the values of an attribute with a name of {len(prefix)} characters cannot be counted",
                    hint=f"a name may have {FACET_KEY_CHARACTERS_MAX}",
                )
            wanted["include"] = re.sub(r"([^\w]|_)", r"\\\1", prefix, flags=re.ASCII) + ".*"
        grouped = await self._group(path, query, {"terms": wanted})
        if grouped.doc_count_error_upper_bound:
            return await self._facet_by_walking(path, query, column, prefix, limit)
        return [FacetValue(group.key[len(prefix) :], group.doc_count) for group in grouped.buckets]

    async def _facet_by_walking(
        self, path: str, query: Query, column: str, prefix: str, limit: int
    ) -> list[FacetValue]:
        """Count every value, page by page: exact however many there are, and slower."""
        counts: Counter[str] = Counter()
        after: str | None = prefix or None
        while True:
            grouped = await self._composite(path, query, column, size=FACET_CANDIDATES, after=after)
            for group in grouped.buckets:
                if group.key["key"].startswith(prefix):
                    counts[group.key["key"][len(prefix) :]] += group.doc_count
            if grouped.after_key is None or not grouped.after_key["key"].startswith(prefix):
                break
            after = grouped.after_key["key"]
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [FacetValue(value, count) for value, count in ranked[:limit]]

    async def time_bounds(self) -> tuple[int, int] | None:
        """Return the lowest and highest time."""
        bounds = []
        for order in ("asc", "desc"):
            body = {"query": EVERYTHING, "size": 1, "sort": [{"time": order}], "_source": False}
            found = await self._ask(self._names.all_events, body)
            bounds += [hit.sort[0] for hit in found.hits.hits]
        return (bounds[0], bounds[1]) if len(bounds) == 2 else None

    async def transaction_ids(self, after: str, limit: int) -> list[str]:
        """Return the next transaction ids."""
        if not limit:
            return []
        grouped = await self._composite(
            self._names.all_events, EVERYTHING, "transaction_id", size=limit, after=after or None
        )
        return [group.key["key"] for group in grouped.buckets]

    async def get(self, event_id: str) -> Event | None:
        """Return the event of an id."""
        if place_of(event_id) is None:
            return None
        body = {"query": {"ids": {"values": [event_id]}}, "size": 1}
        found = await self._ask(self._names.all_events, body)
        return _event(found.hits.hits[0]) if found.hits.hits else None

    async def files(self) -> list[StoredFile]:
        """Return what there is of each file."""
        files: list[StoredFile] = []
        after: str | None = None
        details = {
            "bytes": {"sum": {"field": "length"}},
            "start": {"min": {"field": "offset"}},
            "last": {"top_hits": {"size": 1, "sort": [{"place_low": "desc"}]}},
        }
        of_files = {"exists": {"field": "source"}}
        while True:
            grouped = await self._composite(
                self._names.all_events, of_files, "file_id", size=FILES_MAX, after=after, details=details
            )
            files += map(_stored_file, grouped.buckets)
            if grouped.after_key is None:
                return files
            after = grouped.after_key["key"]

    async def _query(self, expression: Expression, start: int | None = None, end: int | None = None) -> Query:
        """Return the query of an expression and a range of time."""
        builder = QueryBuilder()
        query = builder.build(expression)
        if builder.sought:
            found = {sought: await self._keywords(sought) for sought in builder.sought}
            query = QueryBuilder(found).build(expression)
        return query if start is None and end is None else all_of(query, within(start, end))

    async def _path(self, expression: Expression, start: int | None, end: int | None) -> str:
        """Return the indices to ask: the days of the range, or, if that is wide, those of the transactions sought."""
        if start is None or end is None or end - start > DAY_NS:
            sought = transactions_sought(expression)
            if sought is not None and (days := await self._days_of(sought)) is not None:
                return ",".join(days)
        return self._names.within(start, end)

    async def _keywords(self, sought: Sought) -> list[str]:
        """Return a column's keywords that match what the engine cannot take: walk through all of them."""
        matching: list[str] = []
        walked, after = 0, sought.prefix or None
        while True:
            grouped = await self._composite(
                self._names.all_events, EVERYTHING, sought.column, size=LIMIT_MAX, after=after
            )
            keys = [group.key["key"] for group in grouped.buckets]
            matching += filter(sought.matches, keys)
            walked += len(keys)
            if grouped.after_key is None or not grouped.after_key["key"].startswith(sought.prefix):
                return matching
            if walked > WALK_KEYWORDS_MAX:
                raise StoreError(
                    "a pattern or bound of hundreds of characters cannot be looked for among so many values",
                    hint="ask for a shorter one",
                )
            after = grouped.after_key["key"]

    async def _composite(
        self,
        path: str,
        query: Query,
        column: str,
        *,
        size: int,
        after: str | None,
        details: dict[str, Any] | None = None,
    ) -> _Groups:
        """Return groups by a keyword in its order, behind one."""
        composite: dict[str, Any] = {"size": size, "sources": [{"key": {"terms": {"field": column}}}]}
        if after is not None:
            composite["after"] = {"key": after}
        wanted: dict[str, Any] = {"composite": composite}
        if details:
            wanted["aggs"] = details
        return await self._group(path, query, wanted)

    async def _group(self, path: str, query: Query, wanted: dict[str, Any]) -> _Groups:
        return (await self._ask(path, {"query": query, "size": 0, "aggs": {"found": wanted}})).groups

    async def _ask(self, path: str, body: dict[str, Any]) -> _Found:
        """Return the whole answer, never a part of it."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            reply = await self._connection.reply("POST", f"/{path}/_search", body, parameters=_SEARCH)
            if reply.status == 200:
                found = _decode_found(reply.body)
                if found.timed_out:
                    raise StoreError(
                        "Elasticsearch had no whole answer in time", hint="ask for a shorter range of time"
                    )
                return found
            if reply.status not in {429, 503} or attempt == ATTEMPTS_MAX:
                raise refused(reply, "a search")
            await asyncio.sleep(ATTEMPT_WAIT_S)
        raise AssertionError


def _event(hit: _Hit) -> Event:
    assert hit.source is not None
    return decode(hit.id, hit.source)


def _by_class(group: _Group) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for severity in group.severities.buckets if group.severities else ():
        counts[severity_class(int(severity.key))] += severity.doc_count
    return dict(counts)


def _stored_file(group: _Group) -> StoredFile:
    assert group.last is not None
    assert group.bytes is not None
    assert group.start is not None
    last = _event(group.last.hits.hits[0])
    return StoredFile(
        file_id=group.key["key"],
        source=last.source,
        host=last.host,
        service=last.service,
        events=group.doc_count,
        bytes=int(group.bytes.value or 0),
        start=int(group.start.value or 0),
        end=last.offset + last.length,
    )
