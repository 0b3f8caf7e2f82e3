"""All lines of a transaction, whatever it is called."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.unit.path.lines import TRANSACTION, line

from clew_agent.wire import map_alias
from clew_collector.event import Event
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, Store
from clew_query.path import collect_transaction

OTHER = "0af7651916cd43dd8448eb211c80319c"


StoreOf = Callable[..., Awaitable[Store]]


@pytest.fixture(params=["memory", "embedded"])
async def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreOf]:
    """Makes a store that has these events: the same questions to both stores."""
    stores: list[Store] = []

    async def make(*events: Event) -> Store:
        store = MemoryStore() if request.param == "memory" else EmbeddedStore.open(tmp_path, writable=True)
        stores.append(store)
        await store.write([Item(n + 1, event) for n, event in enumerate(events)])
        await store.flush()
        return store

    yield make
    for store in stores:
        await store.close()


async def bodies(store: Store, any_id: str, **limits: int) -> list[str]:
    collected = await collect_transaction(store, any_id, **limits)
    return [] if collected is None else [event.body for event in collected.events]


@pytest.mark.parametrize("asked", [TRANSACTION, TRANSACTION.upper(), f" {uuid.UUID(TRANSACTION)} ", "b7ad6b7169203331"])
async def test_a_transaction_is_found_in_any_notation_and_by_a_span(store_of: StoreOf, asked: str):
    store = await store_of(
        line("a", 0, "one", span_id="b7ad6b7169203331"),
        line("b", 1, "two"),
        line("b", 2, "foreign", transaction_id=OTHER),
    )
    assert await bodies(store, asked) == ["one", "two"]


@pytest.mark.parametrize("asked", ["", "   ", "nobody", "f" * 32])
async def test_an_unknown_id_is_none(store_of: StoreOf, asked: str):
    assert await collect_transaction(await store_of(line("a", 0)), asked) is None


async def test_an_alias_unites_the_transactions_that_carry_it(store_of: StoreOf):
    request = "req-77"
    mapped = map_alias(request)
    store = await store_of(
        line("edge", 0, "alias only", transaction_id=mapped, transaction_origin="alias", aliases=(request,)),
        line("orders", 1, "both", aliases=(request, "order-9")),
        line("mail", 2, "far", transaction_id=map_alias("order-9"), transaction_origin="alias", aliases=("order-9",)),
        line("mail", 3, "foreign", transaction_id=OTHER),
    )
    for asked in (request, TRANSACTION, mapped, "order-9"):
        collected = await collect_transaction(store, asked)
        assert collected is not None
        assert [event.body for event in collected.events] == ["alias only", "both", "far"]
        assert collected.transaction_id == TRANSACTION
        assert set(collected.aliases) == {request, "order-9", mapped, map_alias("order-9")}


async def test_an_alias_in_another_notation_unites_with_the_id_itself(store_of: StoreOf):
    """A line names the trace id and, as X-Request-ID, a UUID; another service's lines have that UUID as their id."""
    request = uuid.UUID(OTHER)
    store = await store_of(line("a", 0, "one", aliases=(str(request),)), line("b", 1, "two", transaction_id=OTHER))
    assert await bodies(store, TRANSACTION) == ["one", "two"]


async def test_a_span_id_in_two_transactions_unites_nothing(store_of: StoreOf):
    store = await store_of(line("a", 0, "one", span_id="s1"), line("b", 1, "two", transaction_id=OTHER, span_id="s1"))
    assert await bodies(store, TRANSACTION) == ["one"]
    collected = await collect_transaction(store, "s1")
    assert collected is not None
    assert [event.body for event in collected.events] == ["two"]
    assert collected.notes == ("s1 is on lines of 2 transactions; this is the latest of them",)


async def test_an_alias_that_is_a_span_elsewhere_does_not_unite(store_of: StoreOf):
    store = await store_of(
        line("a", 0, "one", aliases=("deadbeef",)), line("b", 1, "two", transaction_id=OTHER, span_id="deadbeef")
    )
    assert await bodies(store, TRANSACTION) == ["one"]


async def test_a_hub_unites_nothing_and_says_so(store_of: StoreOf):
    crowd = [line("b", n + 1, transaction_id=f"{n + 1:032x}", aliases=("user-42",)) for n in range(5)]
    store = await store_of(line("a", 0, "one", aliases=("user-42",)), *crowd)
    collected = await collect_transaction(store, TRANSACTION, sharing_max=4)
    assert collected is not None
    assert collected.total == 1
    assert collected.notes == ("user-42 is shared by more than 4 transactions and unites none",)


async def test_a_hub_asked_for_gives_its_latest_transaction_and_says_so(store_of: StoreOf):
    crowd = [line("b", n, transaction_id=f"{n + 1:032x}", aliases=("user-42",)) for n in range(6)]
    collected = await collect_transaction(await store_of(*crowd), "user-42", sharing_max=4)
    assert collected is not None
    assert collected.transaction_id == f"{6:032x}"
    assert collected.notes[0] == "user-42 is on lines of more than 4 transactions; this is the latest of them"


async def test_a_capped_answer_says_so(store_of: StoreOf):
    store = await store_of(*(line("a", n, f"line {n}") for n in range(5)))
    collected = await collect_transaction(store, TRANSACTION, limit=3)
    assert collected is not None
    assert (collected.total, collected.returned, collected.truncated) == (5, 3, True)
    assert [event.body for event in collected.events] == ["line 0", "line 1", "line 2"]


async def test_a_long_chain_of_aliases_ends_at_the_limit_and_says_so(store_of: StoreOf):
    links = [line("a", n, f"{n}", transaction_id=f"{n + 1:032x}", aliases=(f"n{n}", f"n{n + 1}")) for n in range(30)]
    collected = await collect_transaction(await store_of(*links), "n0", ids_max=12)
    assert collected is not None
    assert 1 < collected.total < 30
    assert any("more than 12 ids" in note for note in collected.notes)
