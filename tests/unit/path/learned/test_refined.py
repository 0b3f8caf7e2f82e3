"""When learning in turn with refining offsets ends, and with which of the models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clew_query.path.learned.automaton import Automaton
from clew_query.path.learned.exchange import Moved
from clew_query.path.learned.learning import refined
from clew_query.path.learned.model import Model
from clew_query.path.learned.prior import make_prior
from clew_query.path.learned.templates import Templates


def empty_model() -> Model:
    templates = Templates()
    return Model(templates, {}, Automaton(make_prior(templates, [], after_others=0.0)), offsets={"a": 0.0})


def run(losses: list[float], why: Moved) -> Model:
    """Each refinement moves the offset by one, until no more losses are left."""
    left: Iterator[float] = iter(losses)

    def learn_calls(model: Model, warm: Model | None) -> None:
        assert (warm is None) == (model.offsets["a"] == 0.0)
        model.loss = next(left)

    def refine(model: Model) -> Moved:
        if model.offsets["a"] == len(losses) - 1:
            return Moved.NOT
        model.offsets = {"a": model.offsets["a"] + 1}
        model.uncertainty = {"a": 7.0}
        return why

    return refined(empty_model(), learn_calls, refine)


def test_offsets_go_back_when_calls_are_learned_worse_in_the_middle_of_what_was_open():
    """What the calls said of how far they may be off stays: it was said of these."""
    model = run([0.3, 0.2, 0.25, 0.1], Moved.CENTRED)

    assert (model.offsets, model.loss, model.uncertainty) == ({"a": 1.0}, 0.2, {"a": 7.0})


@pytest.mark.parametrize("why", [Moved.CENTRED, Moved.FORCED])
def test_offsets_stay_refined_while_calls_are_learned_better(why):
    model = run([0.3, 0.2, 0.1], why)

    assert (model.offsets, model.loss) == ({"a": 2.0}, 0.1)


def test_offsets_that_calls_exclude_do_not_come_back():
    assert run([0.3, 0.35, 0.32], Moved.FORCED).offsets == {"a": 2.0}
