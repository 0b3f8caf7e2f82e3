"""The spans that the lines of a transaction name, each once: who wrote it, which side of a call, from when to when.

A span is known by who wrote it, its id and its side: client and server may share one id (B3 propagation, Zipkin's
`shared` flag), also within one process that calls itself. A line that names a span belongs to it; where both sides have
its id, to the server's, whose work lines are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from clew_collector.event import Event

__all__ = ["UNKNOWN", "SpanTable", "Stream", "read_spans", "stream_of"]

UNKNOWN = -1

OWNERS_MAX = 64
"""So many of those who wrote spans with one id are looked at: a message may have more consumers, but has one sender."""

CALLER_HOP = "caller_hop"
"""The calling hop on lines of services with `clew_agent.instrument`, where a client's span is between."""

Stream = tuple[str, str, str]
"""Service, instance, host: who writes lines in an order of its own."""

INSIDE, ENTRY, EXIT = 0, 1, 2
"""The side of a span: work inside, a call that came in, a call that goes out."""

_ENTRIES, _EXITS = ("server", "consumer"), ("client", "producer")
_SIDES = {**dict.fromkeys(_ENTRIES, ENTRY), **dict.fromkeys(_EXITS, EXIT)}
_NONE: list[int] = []
K = TypeVar("K")


def stream_of(event: Event) -> Stream:
    """Return who wrote the line."""
    return event.service, event.instance, event.host


@dataclass(slots=True)
class SpanTable:
    """Spans by number, in the order of their first events."""

    of_event: list[int]
    """For each event its span, UNKNOWN where it names none."""
    stream: list[Stream] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    side: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    parents: list[tuple[str, ...]] = field(default_factory=list)
    """The ids of the spans that it names as its parent, the first one that is here counts; mostly there is one."""
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)
    """Whether it came as a span, with a duration; not only as an id on lines."""
    first: list[int] = field(default_factory=list)
    """Its first event."""
    last: list[int] = field(default_factory=list)
    by_id: dict[str, list[int]] = field(default_factory=dict)
    """At most OWNERS_MAX of an id."""
    own: dict[tuple[Stream, str], list[int]] = field(default_factory=dict)
    """By who wrote it: one, or the two sides of a call to itself."""
    linking: list[tuple[int, Event]] = field(default_factory=list)
    """Spans that have links, and the events that say so."""

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, event: Event, writer: tuple[Stream, str], side: int, index: int) -> int:
        """Begin a span with its first event; `writer` is who wrote it and its id."""
        number, start, duration = len(self.ids), event.time, event.duration
        stream, span_id = writer
        self.stream.append(stream)
        self.ids.append(span_id)
        self.side.append(side)
        self.kind.append(event.kind)
        self.parents.append(_parents_of(event))
        self.start.append(start)
        self.end.append(start + duration if duration else start)
        self.real.append(duration is not None)
        self.first.append(index)
        self.last.append(index)
        _append(self.own, writer, number)
        if len(self.by_id.get(span_id, ())) < OWNERS_MAX:
            _append(self.by_id, span_id, number)
        return number

    def extend(self, number: int, event: Event, index: int) -> None:
        """Take a further event of a span; they come in order of time."""
        self.end[number] = max(self.end[number], event.end)
        self.last[number] = index
        self.real[number] = self.real[number] or event.duration is not None
        self.kind[number] = self.kind[number] or event.kind
        for parent in _parents_of(event):
            if parent not in self.parents[number]:
                self.parents[number] = (*self.parents[number], parent)


def _append(lists: dict[K, list[int]], key: K, number: int) -> None:
    known = lists.get(key)
    if known is None:
        lists[key] = [number]
    else:
        known.append(number)


def _parents_of(event: Event) -> tuple[str, ...]:
    parent, hop = event.parent_span_id, event.attributes.get(CALLER_HOP)
    if isinstance(hop, str) and hop and hop != event.span_id:
        return (parent, hop) if parent else (hop,)
    return (parent,) if parent else ()


def read_spans(events: Sequence[Event]) -> SpanTable:
    """Return the spans of these events, which are in order of time. Linear."""
    table = SpanTable([UNKNOWN] * len(events))
    shared = _both_sides(events)
    for index, event in enumerate(events):
        if not event.span_id:
            continue
        writer = stream_of(event), event.span_id
        own = table.own.get(writer, _NONE)
        # Sides count only where they tell two spans apart.
        if shared and writer in shared:
            side = _side_of(event, shared[writer])
            own = [number for number in own if table.side[number] == side]
        else:
            side = _SIDES.get(event.kind, INSIDE)
        if own:
            number = own[0]
            table.extend(number, event, index)
            table.side[number] = table.side[number] or side
        else:
            number = table.add(event, writer, side, index)
        table.of_event[index] = number
        if event.links:
            table.linking.append((number, event))
    return table


def _both_sides(events: Sequence[Event]) -> dict[tuple[Stream, str], tuple[int, int]]:
    """Return the spans of which one writer has both sides, with the interval of the entry."""
    called = {event.span_id for event in events if event.kind in _ENTRIES}
    calling = {event.span_id for event in events if event.kind in _EXITS}
    if called.isdisjoint(calling):
        return {}
    entries: dict[tuple[Stream, str], tuple[int, int]] = {}
    exits: set[tuple[Stream, str]] = set()
    for event in events:
        side = _SIDES.get(event.kind) if event.span_id and event.kind else None
        if side == ENTRY:
            entries.setdefault((stream_of(event), event.span_id), (event.time, event.end))
        elif side == EXIT:
            exits.add((stream_of(event), event.span_id))
    return {key: entries[key] for key in exits if key in entries}


def _side_of(event: Event, entry: tuple[int, int]) -> int:
    side = _SIDES.get(event.kind)
    if side is not None:
        return side
    return ENTRY if entry[0] <= event.time <= entry[1] else EXIT
