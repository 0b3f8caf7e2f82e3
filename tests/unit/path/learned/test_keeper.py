"""The model in use follows the file."""

from __future__ import annotations

from tests.unit.path.learned.systems import HUB_ALL, HUB_EDGES, edges, hub, play

from clew_query.path import build_path
from clew_query.path.learned import keeper as keeping
from clew_query.path.learned import learn
from clew_query.path.learned.keeper import PathModelKeeper
from clew_query.path.learned.saved import MODEL_FILE, save_model


def looking(directory) -> PathModelKeeper:
    return PathModelKeeper(directory, look_interval_s=0.0)


def test_without_a_model_nesting_and_order_decide(tmp_path):
    events = play(HUB_ALL, 1)
    assert build_path(events, looking(tmp_path)) == build_path(events)
    assert looking(tmp_path).model is None
    assert keeping.PathModelKeeper(None).clocks() == {}


def test_a_model_that_appears_is_used(tmp_path):
    keeper = looking(tmp_path)
    assert keeper.model is None
    save_model(learn(hub(60)), tmp_path)
    assert edges(build_path(play(HUB_ALL, 1), keeper)) == HUB_EDGES


def test_a_damaged_model_takes_no_answer_away(tmp_path):
    save_model(learn(hub(60)), tmp_path)
    keeper = looking(tmp_path)
    assert keeper.model is not None
    (tmp_path / MODEL_FILE).write_bytes(b"half")
    assert edges(build_path(play(HUB_ALL, 1), keeper)) == HUB_EDGES
