"""What was learned of paths, over HTTP."""

from __future__ import annotations

from tests.unit.path.learned.systems import HUB_ALL, hub, play
from tests.unit.query.events import asking, store_of

from clew_query.backend import Backend
from clew_query.path.learned import learn
from clew_query.path.learned.keeper import PathModelKeeper


async def test_without_a_model_it_says_how_to_make_one():
    async with asking(Backend(store=await store_of())) as client:
        answer = await client.get("/api/v1/paths/model")
    assert answer.status_code == 404
    assert "clew path learn" in answer.json()["error"]["hint"]


async def test_the_model_says_who_calls_whom_and_what_it_was_learned_from():
    backend = Backend(store=await store_of(), paths=PathModelKeeper(None, learn(hub(30))))
    async with asking(backend) as client:
        model = (await client.get("/api/v1/paths/model")).json()
    assert model["transactions"] == 30
    assert {(call["from"], call["to"]) for call in model["calls"] if call["calls"] > 5} == {
        (None, "shop"),
        ("shop", "prices"),
        ("shop", "stock"),
    }
    assert all(call["kind"] == "sync" for call in model["calls"])


async def test_a_transaction_is_read_with_the_model():
    events = play(HUB_ALL, 7)
    backend = Backend(store=await store_of(*events), paths=PathModelKeeper(None, learn(hub(60))))
    async with asking(backend) as client:
        calls = (await client.get(f"/api/v1/transactions/{7:032x}")).json()["calls"]
    assert {(call["from"], call["to"]) for call in calls} == {(None, "shop"), ("shop", "prices"), ("shop", "stock")}
    assert any("learned from 60 transactions" in word for call in calls for word in call["evidence"])
