"""What is counted in transactions under a model."""

from __future__ import annotations

import gc

import pytest
from tests.unit.path.learned.systems import chain, hub

from clew_query.path.learned import learn
from clew_query.path.learned.expectation import expect
from clew_query.path.learned.lateness import Correction
from clew_query.path.learned.lattice import Lattice
from clew_query.path.learned.sequence import STREAMS_MAX, make_trail
from clew_query.path.learned.structure import doubtful_edges


def read_again(**settings):
    """Return a lattice with the model of a hub, and its transactions."""
    transactions = hub(60)
    model = learn(transactions)
    trails = [(make_trail(events, model.templates, model.services, Correction())[0], 1.0) for events in transactions]
    return Lattice(model.automaton, **settings), trails


def flat(counts):
    return {(state, event): count for state, events in counts.items() for event, count in events.items()}


def test_a_lattice_that_forgets_in_between_counts_the_same():
    """It gives numbers of steps anew; what was counted by the old ones would be another step's, or none's."""
    roomy, trails = read_again()
    narrow = read_again(keys_max=3)[0]
    expected, found = expect(roomy, trails), expect(narrow, trails)
    assert found.loss == pytest.approx(expected.loss)
    assert flat(found.counts) == pytest.approx(flat(expected.counts))
    assert {kind: times for kind, (times, _) in found.surprise.items()} == pytest.approx(
        {kind: times for kind, (times, _) in expected.surprise.items()}
    )


def test_a_call_that_is_forbidden_is_in_no_reading_though_it_was_worked_out_before():
    lattice, trails = read_again()
    kinds = lattice.automaton.prior.kinds
    service, kind = doubtful_edges(expect(lattice, trails).counts, lattice)[-1][0]
    lattice.forbidden = frozenset((service * STREAMS_MAX + n, kind) for n in range(STREAMS_MAX))
    lattice.renew()
    without = expect(lattice, trails).counts
    assert not [
        state
        for state, events in without.items()
        if lattice.automaton.prior.service[state[0]] == service and events.get(kinds + kind, 0.0)
    ]
    lattice.forbidden = frozenset()
    lattice.renew()
    assert flat(expect(lattice, trails).counts) == pytest.approx(flat(expect(read_again()[0], trails).counts))


def test_what_reading_costs_counts_ways_that_are_dropped_at_once():
    """Else a model that is surer would leave more to spend on what is tried, and another one would be learned."""
    transactions = chain(2_000)
    model = learn(transactions)
    lattice = Lattice(model.automaton, beam=1)
    lattice.read(make_trail(transactions[0], model.templates, model.services, Correction())[0])
    assert lattice.worked == 1 + 2 + 3 + 4 + 4 + 3  # each invocation that is open, and the outside, may call or go on


def test_learning_leaves_the_collector_of_garbage_as_it_was():
    seen = []
    learn(hub(5), progress=lambda _: seen.append(gc.isenabled()))
    assert seen
    assert not any(seen)
    assert gc.isenabled()
    with pytest.raises(InterruptedError):
        learn(hub(5), progress=interrupt)
    assert gc.isenabled()


def interrupt(_: str) -> None:
    raise InterruptedError
