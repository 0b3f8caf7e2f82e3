"""One round of learning: read all transactions under the model, and count what probably happened in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .automaton import END, Counts
from .lattice import Lattice
from .prior import Prior
from .sequence import Trail

__all__ = ["EDGE_PRICE", "Expected", "added", "expect", "first_lines", "priced", "taken_from", "thinned"]

COUNT_MIN = 1e-9
EDGE_PRICE = 20.0
"""Nats that a pair of service and first line costs when models are compared."""

Weighed = Sequence[tuple[Trail, float]]
"""Different transactions, each with how often it was seen."""


def first_lines(trails: Iterable[tuple[Trail, float]], lines_max: int) -> list[tuple[Trail, float]]:
    """Return the first of these, as many as have so many lines together; one at least, if there is one."""
    chosen: list[tuple[Trail, float]] = []
    lines = 0
    for item in trails:
        lines += len(item[0])
        if chosen and lines > lines_max:
            break
        chosen.append(item)
    return chosen


@dataclass(slots=True)
class Expected:
    """Expected counts of events by state, over many transactions."""

    loss: float = 0.0
    counts: Counts = field(default_factory=dict)
    surprise: dict[int, tuple[float, float]] = field(default_factory=dict)
    """For each kind how many calls begin with it (roots apart), and how surprising that was in all, in nats."""


def expect(lattice: Lattice, trails: Weighed) -> Expected:
    """Return what is expected to have happened in these transactions."""
    found = Expected()
    steps: dict[int, float] = {}
    ends: dict[int, float] = {}
    for trail, weight in trails:
        if lattice.full:
            _count(found, lattice, steps, ends)
        readings = lattice.read(trail)
        found.loss += readings.loss * weight
        for arcs in readings.levels:
            for _, _, step, _, posterior in arcs:
                steps[step] = steps.get(step, 0.0) + posterior * weight
        for reading, posterior in readings.last.items():
            ends[reading] = ends.get(reading, 0.0) + posterior * weight
    _count(found, lattice, steps, ends)
    return found


def _count(found: Expected, lattice: Lattice, steps: dict[int, float], ends: dict[int, float]) -> None:
    """Add what these steps and last readings of the lattice are, and empty both: it may give their numbers anew."""
    kinds = lattice.automaton.prior.kinds
    for step, count in steps.items():
        if count < COUNT_MIN:
            continue
        taken = lattice.steps[step]
        for state, event in taken.events:
            of_state = found.counts.setdefault(state, {})
            of_state[event] = of_state.get(event, 0.0) + count
        if taken.caller >= 0:
            kind = taken.events[-1][1] - kinds
            times, surprise = found.surprise.get(kind, (0.0, 0.0))
            found.surprise[kind] = times + count, surprise + count * lattice.surprise(step)
    for reading, count in ends.items():
        for state in lattice.open_states(reading):
            of_state = found.counts.setdefault(state, {})
            of_state[END] = of_state.get(END, 0.0) + count
    steps.clear()
    ends.clear()


def added(a: Counts, b: Counts) -> Counts:
    """Return the sum of both."""
    total = {state: dict(events) for state, events in a.items()}
    for state, events in b.items():
        of_state = total.setdefault(state, {})
        for event, count in events.items():
            of_state[event] = of_state.get(event, 0.0) + count
    return total


def thinned(counts: Counts, prior: Prior, price: float, *, taken: float = 1.0) -> Counts:
    """Return the counts with `price` taken from each call of a service that begins with a certain line.

    A sparse prior (Figueiredo and Jain, 2002): calls that explain next to nothing disappear instead of lingering, and
    an invocation is not cut in two only because its caller remembers more. With `taken` 0 nothing is taken from calls
    that explain more than the price.
    """
    calls: dict[tuple[int, int], float] = {}
    for state, events in counts.items():
        for event, count in events.items():
            if event >= prior.kinds:
                key = prior.service[state[0]], event
                calls[key] = calls.get(key, 0.0) + count
    kept: Counts = {}
    for state, events in counts.items():
        of_state = kept[state] = {}
        for event, count in events.items():
            if event < prior.kinds:
                of_state[event] = count
                continue
            total = calls[prior.service[state[0]], event]
            if total > price:
                of_state[event] = count * (total - taken * price) / total
    return kept


def taken_from(a: Counts, b: Counts) -> Counts:
    """Return what is left of the first counts without the second ones; never less than nothing."""
    left = {state: dict(events) for state, events in a.items()}
    for state, events in b.items():
        of_state = left.get(state)
        if of_state is not None:
            for event, count in events.items():
                of_state[event] = max(0.0, of_state.get(event, 0.0) - count)
    return left


def priced(expected: Expected, rest: Counts, prior: Prior) -> float:
    """Return the loss, and what the edges cost: who calls whom with which line, who ends right after a call.

    `rest`: what was counted in other transactions; an edge that is there anyway costs no more.
    """
    edges: dict[tuple[int, int], float] = {}
    for counts in (expected.counts, rest):
        for state, events in counts.items():
            for event, count in events.items():
                if event >= prior.kinds or (event == END and state[1]):
                    key = prior.service[state[0]], event
                    edges[key] = edges.get(key, 0.0) + count
    return expected.loss + EDGE_PRICE * sum(min(count, 1.0) for count in edges.values())
