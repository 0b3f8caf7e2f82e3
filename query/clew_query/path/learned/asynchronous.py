"""Which invocations nobody waits for (a queue's consumers, parallel calls): a test of the likelihood, kind by kind.

Such a kind need not be the first line of an invocation: one that was answered and left behind may go on with it, as
threads do. Then its sender is a line of its own service.
Learned without such invocations first, since a model that may explain anything as unasked-for explains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .automaton import Counts
from .expectation import Weighed, added, expect, first_lines, taken_from, thinned
from .lattice import Lattice
from .prior import Prior
from .senders import Senders, learn_senders
from .sequence import Trail

__all__ = ["find_spawned"]

CANDIDATES_MAX = 12
START_MIN = 0.5
"""What is less often the first line of its service's part of a transaction rather goes on with something."""
SURPRISE_MIN = 0.3
"""Nats by which a call surprises on average: what is called in order is foreseen."""
GAIN_MIN = 40.0
GAIN_PER_CALL_MIN = 0.7
"""Nats that it must become likelier by, in all and for each invocation that begins so."""
NAMED_MIN = 1.5
TOGETHER_MIN = 0.4
CALLER_SHARE_MIN = 0.1
"""Named by a line of a service that seems not to call it, and together with it so often: then GAIN_MIN is enough."""
ROUNDS = 3
CONCERNED_LINES_MAX = 8_000
"""Lines of transactions that a kind is judged by, the most frequent first."""
WORK_MAX = 1_000_000
"""Arcs of lattices that all kinds together may cost."""


def find_spawned(lattice: Lattice, trails: Weighed, price: float) -> Mapping[int, float]:
    """Return the kinds that may start unasked; the lattice knows them, and its model has learned with them."""
    expected = expect(lattice, trails)
    prior = lattice.automaton.prior
    candidates = [
        (-surprise, kind)
        for kind, (times, surprise) in expected.surprise.items()
        if times > 0 and kind not in lattice.spawned and surprise / times > SURPRISE_MIN
    ]
    total, began = expected.counts, lattice.worked
    for _, kind in sorted(candidates)[:CANDIDATES_MAX]:
        calls = any(
            prior.service[state[0]] == prior.service[kind] and max(events, default=0) >= prior.kinds
            for state, events in total.items()
        )
        for idle in (True, False) if calls else (False,):
            if lattice.worked - began > WORK_MAX:
                return lattice.spawned
            if _try(lattice, trails, total, kind, price, idle=idle):
                total = expect(lattice, trails).counts
                break
    return lattice.spawned


def _try(lattice: Lattice, trails: Weighed, total: Counts, kind: int, price: float, *, idle: bool) -> bool:
    """Let the kind start unasked, and take it back and return False if that does not pay.

    With `idle` the service is first thought to call nobody: what goes on meanwhile looks like its doing, as long as it
    is thought to be waited for.
    """
    automaton = lattice.automaton
    prior = automaton.prior
    # Where such a line is the first, nobody sent for it.
    concerned = first_lines((item for item in trails if kind in item[0].kinds[1:]), CONCERNED_LINES_MAX)
    if not concerned:
        return False
    before = expect(lattice, concerned)
    rest = taken_from(total, before.counts)
    counts, spawned = automaton.counts, lattice.spawned
    call = prior.kinds + kind
    forgotten: Counts = {}
    for state, events in added(rest, before.counts).items():
        if kind not in state[1:]:
            calls_nobody = idle and prior.service[state[0]] == prior.service[kind]
            forgotten[state] = {
                event: count
                for event, count in events.items()
                if event != call and not (calls_nobody and event >= prior.kinds)
            }
    senders = learn_senders(concerned, [kind], prior)
    lattice.spawned = {**spawned, kind: senders.readiness(kind, prior)}
    lattice.rebuild()
    automaton.learn(thinned(forgotten, prior, price))
    for _ in range(ROUNDS):
        lattice.renew()
        automaton.learn(thinned(added(rest, expect(lattice, concerned).counts), prior, price))
    lattice.renew()
    gain = before.loss - expect(lattice, concerned).loss
    per_call = 0.0 if _sent_for_elsewhere(senders, kind, before.counts, prior) else GAIN_PER_CALL_MIN
    if gain >= max(GAIN_MIN, per_call * _times(concerned, kind)):
        return True
    lattice.spawned = spawned
    lattice.rebuild()
    automaton.learn(counts)
    return False


def _sent_for_elsewhere(senders: Senders, kind: int, counts: Counts, prior: Prior) -> bool:
    """Return whether what names such calls, and goes along with them, is a line of a service that seems not to call."""
    sender = senders.likeliest(kind)
    if (
        sender is None
        or prior.start[kind] < START_MIN
        or prior.named(sender, kind) < NAMED_MIN
        or senders.together(sender, kind, prior) < TOGETHER_MIN
    ):
        return False
    calls: dict[int, float] = {}
    for state, events in counts.items():
        service = prior.service[state[0]]
        calls[service] = calls.get(service, 0.0) + events.get(prior.kinds + kind, 0.0)
    return calls.get(prior.service[sender], 0.0) < CALLER_SHARE_MIN * sum(calls.values())


def _times(trails: Sequence[tuple[Trail, float]], kind: int) -> float:
    return sum(weight * trail.kinds[1:].count(kind) for trail, weight in trails)
