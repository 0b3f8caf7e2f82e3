"""What spans prove of one transaction: which lines are one invocation, and which invocation called which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from clew_collector.event import Event

from .callers import Caller, SpanLink, cyclic, find_callers, find_links
from .clock import Exchange
from .grouping import group_spans
from .spans import UNKNOWN, SpanTable, Stream, read_spans, stream_of
from .unheard import Unheard, find_unheard

__all__ = ["UNKNOWN", "Facts", "Stream", "cyclic", "read_facts", "stream_of", "with_ends"]


@dataclass(frozen=True, slots=True)
class Facts:
    """The lines of a transaction in order, and what is certain of them. Groups count from 0, by first lines."""

    events: tuple[Event, ...]
    """By `(time, event_id)`."""
    group: tuple[int, ...]
    """For each event the group that it certainly belongs to, or UNKNOWN (`-1`) where it names no span."""
    parent: tuple[int | None, ...]
    """For each group the group that certainly called it; None when no span says so. Without cycles."""
    doubt: tuple[str, ...]
    """For each group why its parent is not certain, empty when nothing was said about a parent."""
    callers: tuple[Caller, ...]
    """For each group all that spans say of its caller."""
    exchanges: tuple[Exchange, ...]
    """Calls between hosts whose callers have spans, named by the callee's group: a line says nothing of how long."""
    links: tuple[SpanLink, ...]
    unheard: tuple[Unheard, ...]

    @property
    def complete(self) -> bool:
        """Whether spans leave nothing open: each line is in a group, each group has a parent, or none for certain."""
        return UNKNOWN not in self.group and all(c.root or c.parent is not None for c in self.callers)


def read_facts(events: Sequence[Event]) -> Facts:
    """Return what the span ids in these lines prove; contradictions are doubts, never errors. n log n."""
    ordered = _in_order(events)
    table = read_spans(ordered)
    leaders = group_spans(table)
    number: dict[int, int] = {}
    for leader in leaders:
        number.setdefault(leader, len(number))
    of_span = [number[leader] for leader in leaders]
    group = tuple(UNKNOWN if span == UNKNOWN else of_span[span] for span in table.of_event)
    links = find_links(table, of_span)
    callers, claimed = find_callers(table, of_span, len(number), links)
    called = {g for g, caller in enumerate(callers) if caller.parent is not None}
    return Facts(
        ordered,
        group,
        tuple(caller.parent for caller in callers),
        tuple(caller.doubt for caller in callers),
        tuple(callers),
        tuple(_exchanges(table, callers)),
        tuple(links),
        tuple(find_unheard(ordered, table, of_span, claimed, called)),
    )


def _exchanges(table: SpanTable, callers: Sequence[Caller]) -> Iterator[Exchange]:
    start, end, stream, real = table.start, table.end, table.stream, table.real
    for group, caller in enumerate(callers):
        if caller.exchange is None or caller.parent is None:
            continue
        owner, span = caller.exchange
        here, there = stream[owner][2], stream[span][2]
        if real[owner] and here and there and here != there:
            waited = caller.waited is True
            yield Exchange(group, here, there, start[owner], start[span], end[span], end[owner], waited)


def with_ends(facts: Facts) -> tuple[Facts, list[int]]:
    """Return the facts with each span's end as a line of its own, and which of the given events each one comes from.

    An inference sees lines only, and a span is at work until its end.
    """
    rows: list[tuple[tuple[int, str, str, str, str], int, Event]] = []
    for index, event in enumerate(facts.events):
        rows.append((_place(event), index, event))
        if event.duration and facts.group[index] != UNKNOWN:
            end = msgspec.structs.replace(event, timestamp=event.end, duration=None, links=())
            rows.append((_place(end), index, end))
    rows.sort(key=lambda row: row[:2])
    of_row = [index for _, index, _ in rows]
    return (
        Facts(
            tuple(event for _, _, event in rows),
            tuple(facts.group[index] for index in of_row),
            facts.parent,
            facts.doubt,
            facts.callers,
            facts.exchanges,
            facts.links,
            facts.unheard,
        ),
        of_row,
    )


def _in_order(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events by `(time, event_id)`, and by more where input breaks the promise that event ids are unique."""
    places = {(event.time, event.event_id): event for event in events}
    if len(places) < len(events):
        return tuple(sorted(events, key=_place))
    return tuple(places[place] for place in sorted(places))


def _place(event: Event) -> tuple[int, str, str, str, str]:
    # Event ids are unique; the rest makes the order one even for input that breaks that promise.
    return event.time, event.event_id, event.service, event.host, event.span_id
