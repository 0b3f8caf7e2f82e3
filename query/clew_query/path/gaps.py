"""What is missing around a transaction, by the agents' ledgers: who is not in its path may only not have been heard.

Three things make a gap in what a file's service wrote: its agent is silent; the agent has seen bytes that are not here
yet; bytes were given up. Bytes have no time, so the lines before and after them say between when and when they were
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from clew_agent.wire import FileLedger, GivenUp
from clew_collector.agents import SeenAgent
from clew_collector.event import Event
from clew_collector.store.expression import And, Expression, Range, Term
from clew_collector.store.protocol import SearchRequest, Store
from clew_query.times import format_time

__all__ = ["Absent", "Around", "Gap", "find_gaps", "suspect"]

SILENT_AFTER_S = 120
"""An agent that was not heard of for so long is not alive; before that it may say more in a moment."""
MARGIN_S = 5
"""Lines written so long before or after a transaction may belong to it."""
GAPS_MAX = 200
"""More are counted only; each takes two searches."""
ABSENT_MAX = 1_000
TIMES_KEPT_MAX = 10_000
"""Bytes that were given up have been written between the same two lines ever since."""
LATE = "late"


@dataclass(frozen=True, slots=True)
class Gap:
    """No data of a file between two times (ns UTC; None is open), and why."""

    host: str
    service: str
    source: str
    start: int | None
    end: int | None
    reason: str
    bytes: GivenUp | None = None
    """The bytes that are missing, where that is known better than the times."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A service that an agent knows and that is not in the path."""

    service: str
    heard: bool
    """Whether everything that it wrote meanwhile is here: then it was not called. Else it may have been."""
    reason: str


@dataclass(frozen=True, slots=True)
class Around:
    """What is missing around a transaction."""

    gaps: tuple[Gap, ...] = ()
    absent: tuple[Absent, ...] = ()
    notes: tuple[str, ...] = ()
    """What is not said here, in sentences."""


async def find_gaps(store: Store, agents: Sequence[SeenAgent], events: Sequence[Event], now: int) -> Around:
    """Return the gaps that overlap the time of these lines, and which services were not called or not heard.

    Raises StoreError as the store does.
    """
    if not events or not agents:
        return Around()
    window = min(e.time for e in events) - MARGIN_S * 10**9, max(e.end for e in events) + MARGIN_S * 10**9
    suspects = suspect(agents, window, now)
    gaps: list[Gap] = []
    for gap in suspects[:GAPS_MAX]:
        if gap.bytes is not None and gap.bytes.reason == LATE and await _arrived(store, gap, gap.bytes):
            continue
        timed = gap if gap.bytes is None else await _timed(store, gap)
        if (timed.start is None or timed.start <= window[1]) and (timed.end is None or timed.end >= window[0]):
            gaps.append(timed)
    notes = (f"{len(suspects)} files have gaps; {GAPS_MAX} were looked at",) if len(suspects) > GAPS_MAX else ()
    unheard = {gap.service: gap for gap in reversed([*gaps, *suspects[GAPS_MAX:]])}
    heard = {event.service for event in events}
    absent = _absent({file.service for agent in agents for file in agent.beat.files} - heard, unheard)
    if len(absent) > ABSENT_MAX:
        notes = (*notes, f"{len(absent)} services are not in the path; {ABSENT_MAX} are named")
    return Around(tuple(gaps), absent[:ABSENT_MAX], notes)


def suspect(agents: Iterable[SeenAgent], window: tuple[int, int], now: int) -> list[Gap]:
    """Return every gap that may overlap the window, by the ledgers alone; those with bytes have no times yet."""
    found: list[Gap] = []
    for agent in agents:
        silent = now - agent.seen_ns > SILENT_AFTER_S * 10**9
        for file in agent.beat.files:
            found += [
                _gap(file, None, None, f"{_size(given_up)} were given up: {given_up.reason}", given_up)
                for given_up in file.given_up
            ]
            first = max(file.acknowledged, file.first)
            if file.seen > first:
                late = GivenUp(first, file.seen, LATE)
                found.append(_gap(file, None, None, f"{_size(late)} that its agent has seen are not here yet", late))
            if silent and not file.gone and window[1] > agent.seen_ns:
                reason = f"agent {agent.beat.agent_id} was not heard of since {format_time(agent.seen_ns)}"
                found.append(_gap(file, max(window[0], agent.seen_ns), None, reason))
    return found


def _gap(file: FileLedger, start: int | None, end: int | None, reason: str, missing: GivenUp | None = None) -> Gap:
    return Gap(file.host, file.service, file.path, start, end, reason, missing)


def _size(missing: GivenUp) -> str:
    return f"{missing.end - missing.start:,} bytes"


_Times = tuple[int | None, int | None]
_known: WeakKeyDictionary[Store, dict[tuple[str, str, GivenUp], _Times]] = WeakKeyDictionary()


async def _arrived(store: Store, gap: Gap, late: GivenUp) -> bool:
    """Return whether the last of these bytes came since the agent reported."""
    behind = Range("offset", low=late.start, high=late.end, include_high=False)
    expression = And((Term("host", gap.host), Term("source", gap.source), behind))
    page = await store.search(SearchRequest(expression, order="desc", limit=1))
    return any(event.offset + event.length >= late.end for event in page.events)


async def _timed(store: Store, gap: Gap) -> Gap:
    """Return the gap with the times of the last line before it and of the first one after it."""
    assert gap.bytes is not None
    known = _known.setdefault(store, {})
    key = gap.host, gap.source, gap.bytes
    times = known.get(key)
    if times is None:
        times = await _times(store, gap, gap.bytes)
        if None not in times and len(known) < TIMES_KEPT_MAX:
            known[key] = times
    return replace(gap, start=times[0], end=times[1])


async def _times(store: Store, gap: Gap, missing: GivenUp) -> _Times:
    file: tuple[Expression, ...] = (Term("host", gap.host), Term("source", gap.source))
    before = And((*file, Range("offset", high=missing.start, include_high=False)))
    after = And((*file, Range("offset", low=missing.end)))
    earlier = await store.search(SearchRequest(before, order="desc", limit=1))
    later = await store.search(SearchRequest(after, order="asc", limit=1))
    return (
        earlier.events[0].time if earlier.events else None,
        later.events[0].time if later.events else None,
    )


def _absent(services: Iterable[str], unheard: dict[str, Gap]) -> tuple[Absent, ...]:
    found = []
    for service in sorted(services):
        gap = unheard.get(service)
        if gap is None:
            found.append(Absent(service, True, "all that it wrote meanwhile is here, and none of it belongs to this"))
        else:
            found.append(Absent(service, False, f"{gap.host}: {gap.reason}"))
    return tuple(found)
