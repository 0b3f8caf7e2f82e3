"""Which spans are one invocation: one service handling one call.

Spans of one service instance that are parent and child belong together (Dapper's "one node per RPC" seen from the log),
unless the child is an entry and the parent is none: then the service called itself. So do
- spans without an entry whose common parent somebody else wrote, or is not here: the service's entry was never seen;
- a span that cannot begin an invocation (no entry) and whose parent is not here, with the only invocation of that
  instance around it: taking a span away moves none of those below it to somebody else;
- lines with a span nested in another of the same instance with no line of anybody else before it: there was no call out
  through which it could have come back.
"""

from __future__ import annotations

from bisect import bisect_right

from .spans import ENTRY, EXIT, UNKNOWN, SpanTable, Stream

__all__ = ["group_spans"]

LOOKED_BACK_MAX = 64
"""Invocations of an instance that are looked at to see which are around a span."""


def group_spans(table: SpanTable) -> list[int]:
    """Return for each span the span that stands for its invocation. n log n."""
    groups = _Groups(list(range(len(table))))
    _join_parents(table, groups)
    _join_nested_lines(table, groups)
    _join_entryless(table, groups)
    _join_orphans(table, groups)
    return [groups.find(span) for span in range(len(table))]


class _Groups:
    """Disjoint sets with path halving."""

    def __init__(self, leader: list[int]) -> None:
        self._leader = leader

    def find(self, span: int) -> int:
        leader = self._leader
        while leader[span] != span:
            leader[span] = leader[leader[span]]
            span = leader[span]
        return span

    def join(self, span: int, to: int) -> None:
        self._leader[self.find(span)] = self.find(to)


def _join_parents(table: SpanTable, groups: _Groups) -> None:
    for span, parents in enumerate(table.parents):
        for parent_id in parents:
            own = table.own.get((table.stream[span], parent_id))
            if own is None:
                continue
            own = [p for p in own if p != span]
            if len(own) > 1:
                # Both sides of a call to itself: work is the callee's, a further entry the caller's.
                wanted = EXIT if table.side[span] == ENTRY else ENTRY
                own = [p for p in own if table.side[p] == wanted][:1]
            if own and own[0] != span and not _calls_itself(table, own[0], span):
                groups.join(span, own[0])


def _calls_itself(table: SpanTable, parent: int, child: int) -> bool:
    if table.side[child] != ENTRY:
        return False
    # An entry directly within an entry, or within its work, is two layers of instrumentation.
    return table.side[parent] == EXIT or not table.kind[parent]


def _join_nested_lines(table: SpanTable, groups: _Groups) -> None:
    of_event = table.of_event
    for span, index in enumerate(table.first):
        before = of_event[index - 1] if index else UNKNOWN
        if before == UNKNOWN or table.parents[span] or table.real[span] or table.real[before]:
            continue
        if table.stream[before] == table.stream[span] and table.last[before] > table.last[span]:
            groups.join(span, before)


def _join_entryless(table: SpanTable, groups: _Groups) -> None:
    known: dict[tuple[Stream, str], int] = {}
    for span, parents in enumerate(table.parents):
        if not table.kind[span] or table.side[span] == ENTRY:
            continue
        for parent_id in parents:
            key = table.stream[span], parent_id
            if key not in table.own:
                groups.join(span, known.setdefault(key, span))


def _join_orphans(table: SpanTable, groups: _Groups) -> None:
    orphans = [
        span
        for span, parents in enumerate(table.parents)
        if table.kind[span] and table.side[span] != ENTRY and parents and not any(p in table.by_id for p in parents)
    ]
    if not orphans:
        return
    extents = _extents(table, groups)
    alone = {groups.find(span) for span in orphans}
    places: dict[Stream, tuple[list[int], list[tuple[int, int, int]]]] = {}
    for leader, (start, end) in extents.items():
        if leader not in alone:
            places.setdefault(table.stream[leader], ([], []))[1].append((start, end, leader))
    for starts, own in places.values():
        own.sort()
        starts += [start for start, _, _ in own]
    for span in orphans:
        starts, own = places.get(table.stream[span], ([], []))
        last = bisect_right(starts, table.start[span])
        around = [leader for _, end, leader in own[max(last - LOOKED_BACK_MAX, 0) : last] if end >= table.end[span]]
        if len(around) == 1:
            groups.join(span, around[0])


def _extents(table: SpanTable, groups: _Groups) -> dict[int, tuple[int, int]]:
    """Return from when to when each invocation was at work, by the span that stands for it."""
    extents: dict[int, tuple[int, int]] = {}
    for span, (start, end) in enumerate(zip(table.start, table.end, strict=True)):
        leader = groups.find(span)
        known = extents.get(leader, (start, end))
        extents[leader] = min(known[0], start), max(known[1], end)
    return extents
