"""Which invocations nobody waits for (a queue's consumers, parallel calls): a test of the likelihood, kind by kind.

Learned without such invocations first, since a model that may explain anything as unasked-for explains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from .expectation import Weighed, added, expect, thinned
from .lattice import Lattice
from .sequence import Trail

__all__ = ["find_spawned"]

CANDIDATES_MAX = 12
START_MIN = 0.5
SURPRISE_MIN = 0.3
"""Nats by which a call surprises on average: what is called in order is foreseen."""
GAIN_MIN = 40.0
GAIN_PER_CALL_MIN = 0.7
"""Nats that it must become likelier by, in all and for each invocation that begins so."""
ROUNDS = 3


def find_spawned(lattice: Lattice, trails: Weighed, price: float) -> frozenset[int]:
    """Return the kinds that may start unasked; the lattice knows them, and its model has learned with them."""
    expected = expect(lattice, trails)
    prior = lattice.automaton.prior
    candidates = [
        (-surprise, kind)
        for kind, (times, surprise) in expected.surprise.items()
        if times > 0
        and kind not in lattice.spawned
        and prior.start[kind] >= START_MIN
        and surprise / times > SURPRISE_MIN
    ]
    for _, kind in sorted(candidates)[:CANDIDATES_MAX]:
        _try(lattice, trails, kind, price)
    return lattice.spawned


def _try(lattice: Lattice, trails: Weighed, kind: int, price: float) -> None:
    """Let the kind start unasked, and take it back if that does not pay."""
    automaton = lattice.automaton
    prior = automaton.prior
    concerned: list[tuple[Trail, float]] = [item for item in trails if kind in item[0].kinds[1:]]
    others = [item for item in trails if kind not in item[0].kinds[1:]]
    if not concerned:
        return
    before = expect(lattice, concerned)
    rest = expect(lattice, others).counts
    counts, spawned = automaton.counts, lattice.spawned
    call = prior.kinds + kind
    forgotten = {
        state: {event: count for event, count in events.items() if event != call}
        for state, events in added(rest, before.counts).items()
        if kind not in state[1:]
    }
    lattice.spawned = spawned | {kind}
    lattice.rebuild()
    automaton.learn(thinned(forgotten, prior, price))
    for _ in range(ROUNDS):
        lattice.renew()
        automaton.learn(thinned(added(rest, expect(lattice, concerned).counts), prior, price))
    lattice.renew()
    gain = before.loss - expect(lattice, concerned).loss
    if gain < max(GAIN_MIN, GAIN_PER_CALL_MIN * _times(concerned, kind)):
        lattice.spawned = spawned
        lattice.rebuild()
        automaton.learn(counts)


def _times(trails: Sequence[tuple[Trail, float]], kind: int) -> float:
    return sum(weight * trail.kinds[1:].count(kind) for trail, weight in trails)
