"""Learning a model from transactions without labels: expectation maximisation from several starts.

Kinds of lines first, then the hosts' clocks, then who calls whom, then what nobody waits for; then the clocks again,
with what is known now of the calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

import numpy as np

from clew_collector.event import Event

from .asynchronous import find_spawned
from .automaton import Automaton
from .decode import decode
from .exchange import Exchanges, Moved, solve
from .expectation import Weighed, expect, first_lines, priced, thinned
from .lateness import Correction, corrected_times, learn_lateness
from .lattice import Lattice
from .model import Model
from .offsets import Occurrence, find_offsets
from .prior import AFTER_OTHERS, Prior, make_prior
from .senders import Senders, learn_senders
from .sequence import Trail, make_trail
from .structure import improve_structure
from .templates import Templates
from .uncollected import uncollected

__all__ = ["Progress", "learn", "refined"]

Progress = Callable[[str], None]
"""Is told in a few words what is being done; may raise to end the learning."""

ROUNDS_FIRST = 5
"""Of each start; the best one goes on."""
ROUNDS = 5
ROUNDS_WARM = 3
ROUNDS_LAST = 3
ROUNDS_QUICK = 4
BEAM_QUICK = 10
KEPT_PRICE = 0.9
"""Offsets are left alone unless calls are learned better by a tenth with others."""
STAR = 0.1
"""Weight of calls that are not made by the root, in the first round of some starts: in doubt, one service calls all."""
STARTS = ((STAR, 0.0), (1.0, AFTER_OTHERS), (STAR, AFTER_OTHERS))
"""Weight of such calls, and how much following another service's line makes a line look like a start."""
PRICE = 1.0
"""Calls that a pair of service and first line must explain more than to be believed in, each round."""
SEQUENCES_MAX = 400
LINES_MAX = 20_000
"""Different transactions, and lines of them, that are read in each round."""
FINALISTS = 2
"""Starts that are learned on from."""
LINES_QUICK_MAX = 6_000
"""Lines that the starts are compared by."""
OFFSET_TRANSACTIONS_MAX = 600
REFINEMENTS_MAX = 3
SURE = 0.9
MISSING = 0.1
"""Share of first lines that are thought to be missing; in the first rounds none are."""


@uncollected()
def learn(
    transactions: Sequence[Sequence[Event]],
    *,
    previous: Model | None = None,
    known_offsets: Mapping[str, float] | None = None,
    progress: Progress = lambda _: None,
) -> Model:
    """Return a model of these transactions; span ids in them are not looked at.

    `known_offsets`: ns that hosts' clocks are ahead, as agents measured. With a `previous` model learning starts from
    it and keeps its numbers of kinds. The same transactions in any order give the same model.
    """
    started = time.monotonic()
    ordered = sorted(
        ([*events] for events in transactions if events), key=lambda events: min(e.event_id for e in events)
    )
    progress("telling kinds of lines apart")
    templates = previous.templates if previous else Templates()
    templates.fit(event for events in ordered for event in events)
    services = {name: number for number, name in enumerate(dict.fromkeys(templates.services))}
    lateness = learn_lateness(event for events in ordered for event in events)
    progress("comparing clocks")
    known = known_offsets or (previous.offsets if previous else None)
    candidates = _first_offsets(ordered, templates, lateness, known)
    model = Model(templates, services, Automaton(make_prior(templates, [], after_others=0.0)), lateness=lateness)
    moved = _choose_offsets(model, ordered, candidates)

    def learn_calls(model: Model, warm: Model | None) -> None:
        trails = _trails(model, ordered)
        progress(f"learning calls from {len(trails)} different transactions")
        _learn_calls(model, trails, warm or previous, cold=warm is None)

    def refine(model: Model) -> Moved:
        if not (moved or known_offsets):
            return Moved.NOT
        return _refine(model, ordered, known_offsets, centre=moved)

    model = refined(model, learn_calls, refine)
    model.transactions = len(ordered)
    model.lines = sum(map(len, ordered))
    model.learned_s = time.monotonic() - started
    return model


def refined(
    model: Model, learn_calls: Callable[[Model, Model | None], None], refine: Callable[[Model], Moved]
) -> Model:
    """Return the model after learning calls and refining offsets in turn, until `refine` moves none.

    `learn_calls` is given what to start from, None at first. The middle of what calls leave open is only taken where
    calls are learned no worse with it: calls that were read wrongly leave open what is wrong.
    """
    learn_calls(model, None)
    for _ in range(REFINEMENTS_MAX):
        offsets = model.offsets
        moved = refine(model)
        if moved is Moved.NOT:
            break
        before = replace(model, offsets=offsets)
        learn_calls(model, model)
        if moved is Moved.CENTRED and model.loss > before.loss:
            return before
    return model


def _trails(model: Model, transactions: Sequence[Sequence[Event]]) -> list[tuple[Trail, float]]:
    """Return the different trails, each with how often it was seen, the most frequent first."""
    count: dict[Trail, float] = {}
    for events in transactions:
        trail = make_trail(events, model.templates, model.services, model.correction)[0]
        count[trail] = count.get(trail, 0.0) + 1
    return sorted(count.items(), key=lambda item: (-item[1], len(item[0]), item[0].kinds, item[0].streams))


def _sample(trails: Sequence[tuple[Trail, float]], lines_max: int = LINES_MAX) -> list[tuple[Trail, float]]:
    """Return as many as are read in each round: half are the most frequent ones, the rest evenly from all others."""
    half = SEQUENCES_MAX // 2
    rest = trails[half:]
    step = max(1, -(-len(rest) // half))
    return first_lines([*trails[:half], *rest[::step]], lines_max)


def _learn_calls(model: Model, trails: list[tuple[Trail, float]], warm: Model | None, *, cold: bool) -> None:
    """Find the best automaton for these trails, and put it into the model."""
    sample, quick = _sample(trails), _sample(trails, LINES_QUICK_MAX)
    begun: list[tuple[float, Lattice]] = []
    if warm is not None:
        automaton = Automaton(make_prior(model.templates, trails, after_others=0.0))
        automaton.learn(warm.automaton.counts)
        lattice = Lattice(automaton, spawned=_readiness(warm, automaton.prior))
        begun.append((_rounds(lattice, quick, ROUNDS_WARM), lattice))
    if cold:
        for star, after_others in STARTS:
            lattice = Lattice(Automaton(make_prior(model.templates, trails, after_others=after_others)))
            begun.append((_rounds(lattice, quick, ROUNDS_FIRST, star=star), lattice))
    begun.sort(key=lambda item: item[0])
    lattice = min((_settled(model, trails, sample, lattice) for _, lattice in begun[:FINALISTS]), key=itemgetter(0))[1]
    del begun
    find_spawned(lattice, sample, PRICE)
    loss = _rounds(lattice, sample, ROUNDS_LAST)
    lattice.automaton.learn(thinned(expect(lattice, sample).counts, lattice.automaton.prior, PRICE, taken=0.0))
    model.automaton, model.spawned = lattice.automaton, frozenset(lattice.spawned)
    model.senders = learn_senders(trails, lattice.spawned, lattice.automaton.prior)
    model.loss = loss / max(1.0, sum(len(trail) * weight for trail, weight in sample))


def _settled(model: Model, trails: list[tuple[Trail, float]], sample: Weighed, begun: Lattice) -> tuple[float, Lattice]:
    """Learn on under the prior that all starts have in common; return the price of the outcome and the lattice."""
    automaton = Automaton(make_prior(model.templates, trails, after_others=0.0))
    automaton.learn(begun.automaton.counts)
    lattice = Lattice(automaton, missing=MISSING, spawned=begun.spawned)
    _rounds(lattice, sample, ROUNDS)
    improve_structure(lattice, sample, PRICE)
    return priced(expect(lattice, sample), {}, automaton.prior), lattice


def _rounds(lattice: Lattice, sample: Weighed, rounds: int, *, star: float = 1.0) -> float:
    """Learn for some rounds; return the price of the outcome, lower is better."""
    automaton = lattice.automaton
    for round_ in range(rounds):
        lattice.star = star if round_ == 0 else 1.0
        lattice.renew()
        automaton.learn(thinned(expect(lattice, sample).counts, automaton.prior, PRICE))
    lattice.star = 1.0
    lattice.renew()
    return priced(expect(lattice, sample), {}, automaton.prior)


def _first_offsets(
    transactions: Sequence[Sequence[Event]],
    templates: Templates,
    lateness: Mapping[str, float],
    known: Mapping[str, float] | None,
) -> list[dict[str, float]]:
    hosts = sorted({event.host for events in transactions for event in events})
    index = {host: n for n, host in enumerate(hosts)}
    step = max(1, len(transactions) // OFFSET_TRANSACTIONS_MAX)
    occurrences = [_occurrence(events, templates, index, lateness) for events in transactions[::step]]
    start = np.array([known.get(host, 0.0) for host in hosts]) if known else None
    found = find_offsets(occurrences, len(hosts), start)
    return [dict(zip(hosts, offset.tolist(), strict=True)) for offset in found]


def _choose_offsets(
    model: Model, transactions: Sequence[Sequence[Event]], candidates: Sequence[dict[str, float]]
) -> bool:
    """Take the offsets under which calls are learned best, in doubt the first; return whether others were taken."""
    model.offsets = candidates[0]
    if len(candidates) == 1:
        return False
    prices: list[float] = []
    for offsets in candidates:
        model.offsets = offsets
        trails = _trails(model, transactions[:: max(1, len(transactions) // OFFSET_TRANSACTIONS_MAX)])
        automaton = Automaton(make_prior(model.templates, trails, after_others=STARTS[0][1]))
        sample = _sample(trails)
        lines = sum(weight * len(trail) for trail, weight in sample)
        prices.append(_rounds(Lattice(automaton, beam=BEAM_QUICK), sample, ROUNDS_QUICK, star=STARTS[0][0]) / lines)
    prices[0] *= KEPT_PRICE
    best = prices.index(min(prices))
    model.offsets = candidates[best]
    return best > 0


def _occurrence(
    events: Sequence[Event], templates: Templates, hosts: Mapping[str, int], lateness: Mapping[str, float]
) -> Occurrence:
    times = corrected_times(events, Correction(lateness=lateness))
    order = sorted(range(len(events)), key=lambda n: (times[n], events[n].event_id))
    kinds = templates.kinds(events)
    writers: dict[tuple[str, str, str], int] = {}
    return Occurrence(
        np.array([hosts[events[n].host] for n in order]),
        np.array([writers.setdefault(_writer(events[n]), len(writers)) for n in order]),
        np.array([kinds[n] for n in order]),
        np.array([times[n] for n in order], dtype=np.int64),
    )


def _writer(event: Event) -> tuple[str, str, str]:
    return event.service, event.instance, event.host


def _refine(
    model: Model, transactions: Sequence[Sequence[Event]], known: Mapping[str, float] | None, *, centre: bool
) -> Moved:
    """Move the offsets to where the calls that are sure want them."""
    lattice = lattice_of(model)
    exchanges = Exchanges()
    step = max(1, len(transactions) // OFFSET_TRANSACTIONS_MAX)
    for events in transactions[::step]:
        _exchange(model, lattice, events, exchanges)
    model.offsets, model.uncertainty, moved = solve(exchanges, model.offsets, known, centre=centre)
    return moved


def _exchange(model: Model, lattice: Lattice, events: Sequence[Event], exchanges: Exchanges) -> None:
    trail, order = make_trail(events, model.templates, model.services, model.correction)
    decoded = decode(lattice, trail, Senders())
    times = corrected_times(events, Correction(lateness=model.lateness))
    lines: list[list[int]] = [[] for _ in decoded.calls]
    for place, number in enumerate(decoded.invocation):
        lines[number].append(place)
    for number, call in enumerate(decoded.calls):
        if call.parent is None or call.spawned or call.probability < SURE:
            continue
        own, callers = lines[number], lines[call.parent]
        caller, callee = events[order[callers[0]]].host, events[order[own[0]]].host
        before = [place for place in callers if place < own[0]]
        after = [place for place in callers if place > own[-1]]
        if before:
            exchanges.called(caller, callee, times[order[before[-1]]], times[order[own[0]]])
        if after:
            exchanges.returned(caller, callee, times[order[own[-1]]], times[order[after[0]]])


def lattice_of(model: Model) -> Lattice:
    """Return a lattice that reads transactions with the model."""
    return Lattice(model.automaton, spawned=_readiness(model, model.automaton.prior), missing=MISSING)


def _readiness(model: Model, prior: Prior) -> dict[int, float]:
    return {kind: model.senders.readiness(kind, prior) for kind in sorted(model.spawned)}
