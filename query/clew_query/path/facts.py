"""What spans prove of one transaction: which lines are one invocation, and which invocation called which.

A line names its span and, with luck, the parent of it. Spans of one service instance that are parent and child
belong to one invocation (Dapper's "one node per RPC" seen from the log). A span that is nested in another of the same
instance with no line of anybody else before it is internal work of the same invocation, too: there was no call out
through which it could have come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clew_collector.event import Event

__all__ = ["UNKNOWN", "Facts", "Stream", "read_facts", "stream_of"]

UNKNOWN = -1
"""The group of a line that names no span."""

Stream = tuple[str, str, str]
"""Service, instance, host: who writes lines in an order of its own."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The lines of a transaction in order, and what is certain of them. Groups count from 0, by first lines."""

    events: tuple[Event, ...]
    """By `(time, event_id)`."""
    group: tuple[int, ...]
    """For each event the group that it certainly belongs to, or UNKNOWN."""
    parent: tuple[int | None, ...]
    """For each group the group that certainly called it; None when no span says so. Without cycles."""
    doubt: tuple[str, ...]
    """For each group why its parent is not certain, empty when nothing was said about a parent."""


def stream_of(event: Event) -> Stream:
    """Return who wrote the line."""
    return event.service, event.instance, event.host


def read_facts(events: Sequence[Event]) -> Facts:
    """Return what the span ids in these lines prove; contradictions are doubts, never errors."""
    ordered = tuple(sorted(events, key=_place))
    spans: dict[tuple[Stream, str], int] = {}
    span_of_line = [UNKNOWN] * len(ordered)
    for index, event in enumerate(ordered):
        if event.span_id:
            span_of_line[index] = spans.setdefault((stream_of(event), event.span_id), len(spans))
    parent_ids = _parent_ids(ordered, span_of_line, len(spans))
    root_of = _merge_spans(ordered, span_of_line, spans, parent_ids)
    number: dict[int, int] = {}
    group = tuple(UNKNOWN if s == UNKNOWN else number.setdefault(root_of[s], len(number)) for s in span_of_line)
    parent, doubt = _parents(ordered, group, len(number))
    return Facts(ordered, group, parent, doubt)


def _place(event: Event) -> tuple[int, str, str, str, str]:
    # Event ids are unique; the rest makes the order one even for input that breaks that promise.
    return event.time, event.event_id, event.service, event.host, event.span_id


def _parent_ids(events: Sequence[Event], span_of_line: Sequence[int], count: int) -> list[set[str]]:
    parent_ids: list[set[str]] = [set() for _ in range(count)]
    for event, span in zip(events, span_of_line, strict=True):
        if span != UNKNOWN and event.parent_span_id:
            parent_ids[span].add(event.parent_span_id)
    return parent_ids


def _merge_spans(
    events: Sequence[Event],
    span_of_line: Sequence[int],
    spans: dict[tuple[Stream, str], int],
    parent_ids: Sequence[set[str]],
) -> list[int]:
    """Return for each span the span that stands for its invocation."""
    leader = list(range(len(spans)))

    def find(span: int) -> int:
        while leader[span] != span:
            leader[span] = leader[leader[span]]
            span = leader[span]
        return span

    for (stream, _), span in spans.items():
        for parent_id in parent_ids[span]:
            parent = spans.get((stream, parent_id))
            if parent is not None:
                leader[find(span)] = find(parent)
    last = {span: index for index, span in enumerate(span_of_line)}
    seen: set[int] = set()
    for index, span in enumerate(span_of_line):
        first, before = span not in seen, span_of_line[index - 1] if index else UNKNOWN
        seen.add(span)
        if not first or UNKNOWN in {span, before} or parent_ids[span]:
            continue
        if stream_of(events[index - 1]) == stream_of(events[index]) and last[before] > last[span]:
            leader[find(span)] = find(before)
    return [find(span) for span in range(len(spans))]


def _parents(
    events: Sequence[Event], group: Sequence[int], count: int
) -> tuple[tuple[int | None, ...], tuple[str, ...]]:
    owners: dict[str, list[int]] = {}
    said: list[dict[str, None]] = [{} for _ in range(count)]
    for event, g in zip(events, group, strict=True):
        if g == UNKNOWN:
            continue
        named = owners.setdefault(event.span_id, [])
        if g not in named:
            named.append(g)
        if event.parent_span_id:
            said[g][event.parent_span_id] = None
    parent: list[int | None] = [None] * count
    doubt = [""] * count
    for g in range(count):
        for parent_id in said[g]:
            candidates = [owner for owner in owners.get(parent_id, ()) if owner != g]
            if len(candidates) == 1:
                parent[g], doubt[g] = candidates[0], ""
                break
            if candidates:
                doubt[g] = f"the parent span {parent_id} was written by {len(candidates)} invocations"
            elif g not in owners.get(parent_id, ()) and not doubt[g]:
                doubt[g] = f"the parent span {parent_id} left no line"
    for g in cyclic(parent):
        parent[g], doubt[g] = None, "the spans name each other as parents in a circle"
    return tuple(parent), tuple(doubt)


def cyclic(parent: Sequence[int | None]) -> list[int]:
    """Return the nodes that are their own ancestors, in order. Linear: every node is visited once."""
    state = bytearray(len(parent))  # 0 new, 1 on the way up that is being walked, 2 done
    found: list[int] = []
    for start in range(len(parent)):
        way: list[int] = []
        node: int | None = start
        while node is not None and not state[node]:
            state[node] = 1
            way.append(node)
            node = parent[node]
        if node is not None and state[node] == 1:
            found.extend(way[way.index(node) :])
        for visited in way:
            state[visited] = 2
    return sorted(found)
