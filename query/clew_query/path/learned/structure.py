"""Who calls what, put right edge by edge: expectation maximisation alone stays where it began.

A call that is followed by the caller's end, by another call, or by a line that begins invocations elsewhere, may well
be another service's. Each such edge is forbidden for some rounds, and allowed again; what makes all transactions
clearly likelier is kept.
"""

from __future__ import annotations

from .automaton import END, Counts
from .expectation import Expected, Weighed, added, expect, first_lines, priced, taken_from, thinned
from .lattice import Lattice
from .sequence import STREAMS_MAX, Trail

__all__ = ["improve_structure"]

MOVES_MAX = 60
WORK_MAX = 1_000_000
"""Arcs of lattices that all moves together may cost."""
CONCERNED_LINES_MAX = 3_000
"""Lines of transactions that one move is judged by, the most frequent first."""
GAIN_MIN = 10.0
GAIN_PER_CALL_MIN = 0.7
"""Nats that a move must gain in all and for each call: any service cut in two remembers more, and gains a little."""
DOUBTFUL_MIN = 0.2
"""Share of an edge's calls that another caller may have made, so that it is tried."""
CALLS_MIN = 2.5
ROUNDS_WITHOUT = 2
ROUNDS_AFTER = 2
PASSES_MAX = 2

Edge = tuple[int, int]
"""Calling service, kind of the callee's first line."""


def improve_structure(lattice: Lattice, trails: Weighed, price: float) -> None:
    """Leave the lattice's model with the calls that explain these transactions best."""
    began = lattice.worked
    tried: set[Edge] = set()
    for _ in range(PASSES_MAX):
        expected = expect(lattice, trails)
        kept = False
        for edge, calls in doubtful_edges(expected.counts, lattice):
            if edge in tried or len(tried) >= MOVES_MAX or lattice.worked - began > WORK_MAX:
                continue
            tried.add(edge)
            gain_min = max(GAIN_MIN, GAIN_PER_CALL_MIN * calls)
            if _try_without(lattice, trails, expected, edge, (price, gain_min)):
                kept = True
                expected = expect(lattice, trails)
        if not kept:
            return


def doubtful_edges(counts: Counts, lattice: Lattice) -> list[tuple[Edge, float]]:
    """Return the edges that somebody else may make as well and their calls, the rarest first: they cost least."""
    prior = lattice.automaton.prior
    calls: dict[Edge, float] = {}
    started: dict[int, float] = {}
    after: dict[Edge, float] = {}
    for state, events in counts.items():
        service = prior.service[state[0]]
        for event, count in events.items():
            if event >= prior.kinds:
                kind = event - prior.kinds
                calls[service, kind] = calls.get((service, kind), 0.0) + count
                started[kind] = started.get(kind, 0.0) + count
    for state, events in counts.items():
        if state[1]:
            edge = prior.service[state[0]], state[1]
            doubt = sum(
                n
                for event, n in events.items()
                if event == END or event >= prior.kinds or started.get(event, 0.0) >= 1.0
            )
            after[edge] = after.get(edge, 0.0) + doubt
    found = [
        (edge, count)
        for edge, count in calls.items()
        if edge[0] and count >= CALLS_MIN and after.get(edge, 0.0) >= DOUBTFUL_MIN * count
    ]
    return sorted(found, key=lambda item: (item[1], item[0]))


def _try_without(lattice: Lattice, trails: Weighed, total: Expected, edge: Edge, prices: tuple[float, float]) -> bool:
    """Learn without the edge, then with it again; take it back and return False if that gains too little.

    `prices`: of an edge each round, and what must be gained.
    """
    price, gain_min = prices
    automaton, kinds = lattice.automaton, lattice.automaton.prior.kinds
    concerned = first_lines((item for item in trails if _has(item[0], edge)), CONCERNED_LINES_MAX)
    before = expect(lattice, concerned)
    rest = taken_from(total.counts, before.counts)
    kept = automaton.counts
    call = kinds + edge[1]
    forgotten = {
        state: {e: n for e, n in events.items() if e != call or automaton.prior.service[state[0]] != edge[0]}
        for state, events in added(rest, before.counts).items()
        if state[1] != edge[1] or automaton.prior.service[state[0]] != edge[0]
    }
    lattice.forbidden |= {(edge[0] * STREAMS_MAX + n, edge[1]) for n in range(STREAMS_MAX)}
    automaton.learn(thinned(forgotten, automaton.prior, price))
    for round_ in range(ROUNDS_WITHOUT + ROUNDS_AFTER):
        if round_ == ROUNDS_WITHOUT:
            lattice.forbidden = frozenset()
        lattice.renew()
        after = expect(lattice, concerned)
        automaton.learn(thinned(added(rest, after.counts), automaton.prior, price))
    lattice.renew()
    after = expect(lattice, concerned)
    gain = priced(before, rest, automaton.prior) - priced(after, rest, automaton.prior)
    if gain >= gain_min:
        return True
    automaton.learn(kept)
    lattice.renew()
    return False


def _has(trail: Trail, edge: Edge) -> bool:
    """Return whether the service and such a line are in a transaction."""
    return edge[1] in trail.kinds and any(stream // STREAMS_MAX == edge[0] for stream in trail.streams)
