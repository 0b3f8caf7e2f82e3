"""The map by the minute: read once, again when lines came late; bounded; asked over HTTP."""

from __future__ import annotations

import httpx
import pytest
from tests.unit.path.lines import START, line

from clew_collector.event import Event
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, Page, SearchRequest
from clew_query.api import create_app
from clew_query.backend import Backend
from clew_query.service_map import EdgeKey, MapKeeper, ServiceMap
from clew_query.service_map.keeper import MINUTE_NS

MINUTE_MS = 60_000
BEGIN = START // MINUTE_NS * MINUTE_NS


class CountingStore(MemoryStore):
    """Counts how often lines are read."""

    searches = 0

    async def search(self, request: SearchRequest) -> Page:
        self.searches += 1
        return await super().search(request)


def call(name: int, at_ms: float, *, callee: str = "b", took_ms: float = 3) -> list[Event]:
    """Lines of a call from a to b."""
    own = {"transaction_id": f"{name:032x}"}
    return [
        line("a", at_ms, f"in {name}", **own),
        line(callee, at_ms + 1, f"in {name}", **own),
        line(callee, at_ms + took_ms - 1, f"out {name}", **own),
        line("a", at_ms + took_ms, f"out {name}", **own),
    ]


class Harness:
    def __init__(self) -> None:
        self.store = CountingStore()
        self._position = 0

    async def write(self, *events: Event) -> None:
        self._position += 1
        await self.store.write([Item(self._position, event) for event in events])
        await self.store.flush()


@pytest.fixture
def clew() -> Harness:
    return Harness()


async def read(keeper: MapKeeper, minutes: int = 10) -> ServiceMap:
    return await keeper.read(START, START + minutes * MINUTE_NS)


def calls(found: ServiceMap, caller: str = "a", callee: str = "b") -> int:
    edge = found.statistics.edges.get(EdgeKey(caller, callee, "sync"))
    return edge.calls if edge else 0


async def test_transactions_of_all_minutes_are_in_the_map(clew: Harness) -> None:
    await clew.write(*call(1, 0), *call(2, 10), *call(3, 3 * MINUTE_MS))
    found = await read(MapKeeper(clew.store))
    assert calls(found) == 3
    assert (found.statistics.transactions, found.lines, found.statistics.lines) == (3, 12, 12)
    assert (found.minutes, found.pending) == (2, 0)


async def test_a_minute_is_read_once(clew: Harness) -> None:
    keeper = MapKeeper(clew.store)
    await clew.write(*call(1, 0), *call(2, 3 * MINUTE_MS))
    first = await read(keeper)
    searches = clew.store.searches
    assert await read(keeper) == first
    assert clew.store.searches == searches


async def test_late_lines_are_counted_and_only_their_minute_is_read_again(clew: Harness) -> None:
    keeper = MapKeeper(clew.store)
    await clew.write(*call(1, 0), *call(2, 5 * MINUTE_MS))
    await read(keeper)
    searches = clew.store.searches
    await clew.write(*call(3, 20))
    assert calls(await read(keeper)) == 3
    assert clew.store.searches - searches == 2


async def test_a_transaction_across_minutes_belongs_to_the_first_and_is_counted_once(clew: Harness) -> None:
    into_the_minute = (BEGIN + MINUTE_NS - START) / 1e6 - 1
    await clew.write(*call(1, into_the_minute, took_ms=6))
    assert calls(await read(MapKeeper(clew.store))) == 1
    late = await MapKeeper(clew.store).read(BEGIN + MINUTE_NS, BEGIN + 2 * MINUTE_NS)
    assert late.statistics.transactions == 0


async def test_lines_that_belong_to_no_transaction_are_in_no_map(clew: Harness) -> None:
    await clew.write(line("a", 0, transaction_origin="generated"))
    found = await read(MapKeeper(clew.store))
    assert (found.lines, found.statistics.lines, found.statistics.edges) == (1, 0, {})


async def test_lines_above_the_limit_are_said_to_be_left_out(clew: Harness) -> None:
    await clew.write(*(event for n in range(10) for event in call(n, 10 * n)))
    found = await read(MapKeeper(clew.store, lines_per_minute_max=20))
    assert (found.lines, found.statistics.lines, calls(found)) == (40, 20, 5)


async def test_what_takes_too_long_is_pending_until_asked_again(clew: Harness) -> None:
    keeper = MapKeeper(clew.store, reading_s_max=-1.0)
    await clew.write(*call(1, 0), *call(2, 3 * MINUTE_MS))
    found = await read(keeper)
    assert (found.minutes, found.pending, calls(found)) == (2, 2, 0)


async def test_what_is_kept_is_bounded(clew: Harness) -> None:
    keeper = MapKeeper(clew.store, edges_held_max=4)
    await clew.write(*(event for n in range(6) for event in call(n, n * MINUTE_MS)))
    assert calls(await read(keeper)) == 6
    searches = clew.store.searches
    await keeper.read(BEGIN, BEGIN + MINUTE_NS)
    assert clew.store.searches == searches, "the minute read last is kept"
    await keeper.read(BEGIN + 5 * MINUTE_NS, BEGIN + 6 * MINUTE_NS)
    assert clew.store.searches > searches


class TestOverHttp:
    async def ask(self, clew: Harness, **parameters: str) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Backend(store=clew.store), page=False))
        async with httpx.AsyncClient(transport=transport, base_url="http://clew") as http:
            return await http.get("/api/v1/services/map", params=parameters)

    async def test_nodes_and_edges_with_their_statistics(self, clew: Harness) -> None:
        await clew.write(*call(1, 0), *call(2, 10, callee="c"))
        found = (await self.ask(clew)).json()
        assert (found["from"], found["to"]) == ("2023-01-29T08:42:00.000000000Z", "2023-01-29T08:43:00.000000000Z")
        assert (found["lines"], found["transactions"], found["looked_at"], found["pending"]) == (8, 2, 8, 0)
        assert [node["service"] for node in found["nodes"]] == ["a", "b", "c"]
        assert [(edge["from"], edge["to"], edge["calls"]) for edge in found["edges"]] == [
            (None, "a", 2), ("a", "b", 1), ("a", "c", 1),
        ]  # fmt: skip
        edge = found["edges"][1]
        assert (edge["kind"], edge["errors"], edge["inferred_share"]) == ("sync", 0, 1.0)
        assert 0.5 < edge["probability"] < 1
        assert edge["p50_ns"] == edge["p99_ns"] == pytest.approx(1_000_000, rel=0.05)

    async def test_a_range_without_lines_is_empty(self, clew: Harness) -> None:
        await clew.write(*call(1, 0))
        found = (await self.ask(clew, **{"from": "2023-01-30T00:00:00Z"})).json()
        assert (found["nodes"], found["edges"], found["lines"]) == ([], [], 0)

    async def test_an_empty_store_has_an_empty_map(self, clew: Harness) -> None:
        assert (await self.ask(clew)).json()["nodes"] == []

    async def test_a_range_that_ends_before_it_begins_is_refused(self, clew: Harness) -> None:
        answer = await self.ask(clew, **{"from": "2023-01-30T00:00:00Z", "to": "2023-01-29T00:00:00Z"})
        assert answer.status_code == 400
