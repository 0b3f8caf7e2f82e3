"""What a learned call tree is put right by, edge by edge."""

from __future__ import annotations

from tests.unit.path.learned.systems import HUB_EDGES, edges, hub, read

from clew_query.path.learned import learn
from clew_query.path.learned.automaton import END
from clew_query.path.learned.expectation import Expected, priced, taken_from
from clew_query.path.learned.learning import lattice_of
from clew_query.path.learned.structure import doubtful_edges, improve_structure


def test_what_is_taken_from_counts_never_leaves_less_than_nothing():
    assert taken_from({(1, 0, 0): {5: 3.0, 6: 1.0}}, {(1, 0, 0): {5: 1.0, 6: 2.0}, (2, 0, 0): {5: 1.0}}) == {
        (1, 0, 0): {5: 2.0, 6: 0.0}
    }


def test_an_edge_that_others_made_anyway_costs_nothing_more():
    prior = learn(hub(60)).automaton.prior
    call = {(1, 0, 0): {prior.kinds + 1: 1.0}}
    alone = priced(Expected(loss=0.0, counts=call), {}, prior)
    assert priced(Expected(loss=0.0), call, prior) == alone > 0


def test_a_call_after_which_the_caller_calls_on_is_in_doubt_and_one_it_writes_after_is_not():
    model = learn(hub(60))
    prior = model.automaton.prior
    caller, first, later = 1, 2, 3
    service = prior.service[caller]
    counts = {(caller, 0, 0): {prior.kinds + first: 5.0}}
    written = counts | {(caller, first, 0): {caller: 5.0}}
    ended = counts | {(caller, first, 0): {END: 5.0}}
    called = counts | {(caller, first, 0): {prior.kinds + later: 5.0}}
    lattice = lattice_of(model)
    assert doubtful_edges(written, lattice) == []
    assert ((service, first), 5.0) in doubtful_edges(ended, lattice)
    assert ((service, first), 5.0) in doubtful_edges(called, lattice)


def test_a_tree_that_is_right_stays():
    transactions = hub(60)
    model = learn(transactions)
    lattice = lattice_of(model)
    before = lattice.automaton.counts
    improve_structure(lattice, [], 1.0)
    assert lattice.automaton.counts == before
    assert lattice.forbidden == frozenset()
    assert edges(read(model, transactions[0])) == HUB_EDGES
