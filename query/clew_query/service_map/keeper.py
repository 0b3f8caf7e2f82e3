"""The map over a range of time, kept minute by minute: a minute is read again only when its lines have changed.

The store is the truth: one histogram says how many lines each minute has, and a minute whose count is still what it was
when it was read is taken as it was. So late lines are counted, a kill loses nothing, and every store will do. A
transaction belongs to the minute of its first line; its lines up to SPILL_S later are read with it, and longer ones
are counted by their first part.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import monotonic

from clew_collector.event import Event
from clew_collector.store.expression import ALL
from clew_collector.store.protocol import LIMIT_MAX, SearchRequest, Store
from clew_query.path import Inference, build_path

from .statistics import MapStatistics, count_path

__all__ = ["MapKeeper", "ServiceMap"]

MINUTE_NS = 60 * 10**9
SPILL_S = 60
LINES_PER_MINUTE_MAX = 50_000
"""Lines of a minute that are looked at; the answer says how many there are in all."""
EDGES_HELD_MAX = 100_000
"""Over all minutes kept; the ones not asked for longest go."""
MINUTES_MAX = 7 * 24 * 60
"""The longest range that one answer covers."""
READING_S_MAX = 2.0
"""How long one answer may read; minutes that are left are pending, and read when it is asked again."""


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """The map of a range, ns UTC, whole minutes."""

    start: int
    end: int
    statistics: MapStatistics
    lines: int
    """In the range; with those that belong to no transaction and those that were too many."""
    minutes: int
    """With lines."""
    pending: int
    """Minutes that are not in the map yet: ask again."""


@dataclass(frozen=True, slots=True)
class _Minute:
    counts: tuple[int, ...]
    """Lines of the minute and of those that it spills into, when it was read."""
    statistics: MapStatistics


class MapKeeper:
    """Keeps maps by the minute. For one event loop; reading a minute works in a thread."""

    def __init__(
        self,
        store: Store,
        *,
        inference: Inference | None = None,
        edges_held_max: int = EDGES_HELD_MAX,
        lines_per_minute_max: int = LINES_PER_MINUTE_MAX,
        reading_s_max: float = READING_S_MAX,
    ) -> None:
        self._store = store
        self._inference = inference
        self._edges_held_max = edges_held_max
        self._lines_per_minute_max = lines_per_minute_max
        self._reading_s_max = reading_s_max
        self._kept: OrderedDict[int, _Minute] = OrderedDict()
        self._edges_held = 0
        self._turn = asyncio.Lock()

    async def read(self, start: int, end: int) -> ServiceMap:
        """Return the map of `start` <= time < `end` (ns UTC), widened to whole minutes. StoreError as the store does.

        Ranges over MINUTES_MAX are cut at their beginning. The newest minutes are read first.
        """
        end = -(-end // MINUTE_NS) * MINUTE_NS
        start = max(start // MINUTE_NS * MINUTE_NS, end - MINUTES_MAX * MINUTE_NS)
        async with self._turn:
            buckets = await self._store.histogram(ALL, start=start, end=end + SPILL_S * 10**9, interval=MINUTE_NS)
            counts = {bucket.start: sum(bucket.counts.values()) for bucket in buckets}
            minutes = [minute for minute in counts if minute < end]
            began, parts, pending = monotonic(), list[MapStatistics](), 0
            for minute in sorted(minutes, reverse=True):
                key = tuple(counts.get(minute + MINUTE_NS * n, 0) for n in range(1 + SPILL_S // 60))
                kept = self._kept.get(minute)
                if kept is None or kept.counts != key:
                    if monotonic() - began > self._reading_s_max:
                        pending += 1
                        continue
                    kept = _Minute(key, await self._look_at(minute))
                    self._keep(minute, kept)
                self._kept.move_to_end(minute)
                parts.append(kept.statistics)
        return ServiceMap(
            start, end, MapStatistics.merged(parts), sum(counts[minute] for minute in minutes), len(minutes), pending
        )

    def _keep(self, minute: int, kept: _Minute) -> None:
        before = self._kept.pop(minute, None)
        self._edges_held -= len(before.statistics.edges) if before else 0
        self._kept[minute] = kept
        self._edges_held += len(kept.statistics.edges)
        while self._edges_held > self._edges_held_max and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._edges_held -= len(oldest.statistics.edges)

    async def _look_at(self, minute: int) -> MapStatistics:
        begin, end = minute - SPILL_S * 10**9, minute + MINUTE_NS + SPILL_S * 10**9
        earlier = await self._lines(begin, minute)
        events = await self._lines(minute, end)
        before = {event.transaction_id for event in earlier}
        return await asyncio.to_thread(_count, events, before, minute + MINUTE_NS, self._inference)

    async def _lines(self, start: int, end: int) -> list[Event]:
        request = SearchRequest(ALL, start, end, order="asc", limit=min(LIMIT_MAX, self._lines_per_minute_max))
        events: list[Event] = []
        while len(events) < self._lines_per_minute_max:
            page = await self._store.search(request)
            events += page.events
            if page.cursor is None:
                break
            request = replace(request, after=page.cursor)
        return events[: self._lines_per_minute_max]


def _count(events: Iterable[Event], before: set[str], end: int, inference: Inference | None) -> MapStatistics:
    """Return the map of the transactions among these lines that begin before `end`, and did not begin earlier."""
    transactions: dict[str, list[Event]] = {}
    for event in events:
        name = event.transaction_id
        if event.transaction_origin != "generated" and name and name not in before:
            own = transactions.get(name)
            if own is not None:
                own.append(event)
            elif event.time < end:
                transactions[name] = [event]
    statistics = MapStatistics()
    for own in transactions.values():
        count_path(build_path(own, inference), statistics)
    return statistics
