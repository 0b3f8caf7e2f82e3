"""What is missing around a transaction: silent agents, late bytes, bytes given up; not called, or not heard."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.unit.path.lines import START, line

from clew_agent.wire import FileLedger, GivenUp, Heartbeat
from clew_collector.agents import SeenAgent
from clew_collector.event import Event
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, Page, SearchRequest
from clew_query.path import Around, find_gaps
from clew_query.path.gaps import GAPS_MAX

S = 10**9
EVENTS = [line("gateway", 0, "GET /"), line("gateway", 2, "200")]


def file(service: str, **fields: Any) -> FileLedger:
    given = {"seen": 100, "shipped": 100, "acknowledged": 100, **fields}
    return FileLedger(
        file_id=f"{service:0<20}", path=f"/var/log/{service}.log", host=f"host-of-{service}", service=service, **given
    )


def agent(*files: FileLedger, seen: int = START + 10 * S) -> SeenAgent:
    beat = Heartbeat(agent_id="agent-7", host="h", version="1", sent_ns=seen, started_ns=0, files=files)
    return SeenAgent(beat, seen)


async def around(*agents: SeenAgent, lines: list[Event] | None = None, now: int = START + 11 * S) -> Around:
    store = MemoryStore()
    await store.write([Item(n + 1, one) for n, one in enumerate(lines or [])])
    await store.flush()
    return await find_gaps(store, agents, EVENTS, now)


def written(service: str, offset: int, at_ms: float) -> Event:
    event_id = f"{service:0<20}".encode().hex()[:20] + f"{offset:012x}"
    return line(service, at_ms, f"line at {offset}", event_id=event_id, offset=offset)


async def test_a_service_that_was_heard_and_is_not_in_the_path_was_not_called() -> None:
    found = await around(agent(file("gateway"), file("payments")))
    assert found.gaps == ()
    assert [(absent.service, absent.heard) for absent in found.absent] == [("payments", True)]


async def test_a_silent_agent_leaves_its_services_unheard() -> None:
    """It was last heard of before the transaction, and is silent ever since."""
    seen = START - 60 * S
    found = await around(agent(file("payments"), file("old", gone=True), seen=seen), now=START + 3_600 * S)
    (gap,) = found.gaps
    assert (gap.host, gap.service, gap.source) == ("host-of-payments", "payments", "/var/log/payments.log")
    assert (gap.start, gap.end) == (START - 5 * S, None)
    assert gap.reason == "agent agent-7 was not heard of since 2023-01-29T08:41:09.000000000Z"
    assert [(absent.service, absent.heard) for absent in found.absent] == [("old", True), ("payments", False)]
    assert found.absent[1].reason.startswith("host-of-payments: agent agent-7 was not heard of")


async def test_an_agent_that_fell_silent_long_after_leaves_no_gap() -> None:
    assert (await around(agent(file("payments"), seen=START + 60 * S), now=START + 3_600 * S)).gaps == ()


async def test_bytes_that_are_not_here_yet_are_a_gap_since_the_last_line_that_is() -> None:
    found = await around(
        agent(file("payments", seen=150)), lines=[written("payments", 40, -900), written("payments", 70, -500)]
    )
    (gap,) = found.gaps
    assert (gap.start, gap.end, gap.reason) == (
        START - S // 2, None, "50 bytes that its agent has seen are not here yet",
    )  # fmt: skip


async def test_bytes_given_up_are_a_gap_between_the_lines_around_them() -> None:
    lost = file("payments", given_up=(GivenUp(20, 60, "truncated"),))
    lines = [written("payments", at, ms) for at, ms in ((0, -9), (10, -4), (60, 8), (80, 9))]
    (gap,) = (await around(agent(lost), lines=lines)).gaps
    assert (gap.start, gap.end) == (START - 4_000_000, START + 8_000_000)
    assert gap.reason == "40 bytes were given up: truncated"


async def test_when_bytes_were_given_up_is_asked_once() -> None:
    class CountingStore(MemoryStore):
        searches = 0

        async def search(self, request: SearchRequest) -> Page:
            self.searches += 1
            return await super().search(request)

    store = CountingStore()
    lines = [written("payments", at, ms) for at, ms in ((10, -4), (60, 8))]
    await store.write([Item(n + 1, one) for n, one in enumerate(lines)])
    await store.flush()
    lost = agent(file("payments", given_up=(GivenUp(20, 60, "truncated"),)))
    first = await find_gaps(store, [lost], EVENTS, START)
    assert await find_gaps(store, [lost], EVENTS, START) == first
    assert (len(first.gaps), store.searches) == (1, 2)


async def test_bytes_given_up_at_another_time_are_none() -> None:
    lost = file("payments", given_up=(GivenUp(20, 60, "truncated"),))
    lines = [written("payments", at, ms) for at, ms in ((10, -90_000), (60, -80_000))]
    found = await around(agent(lost), lines=lines)
    assert found.gaps == ()
    assert [(absent.service, absent.heard) for absent in found.absent] == [("payments", True)]


async def test_what_came_since_its_agent_reported_is_not_late() -> None:
    ledger = file("payments", seen=100, acknowledged=50)
    came = written("payments", 50, 1_000)
    assert (await around(agent(ledger), lines=[msgspec.structs.replace(came, length=50)])).gaps == ()
    assert (await around(agent(ledger), lines=[msgspec.structs.replace(came, length=49)])).gaps != ()


async def test_content_that_was_skipped_on_purpose_is_not_late() -> None:
    assert (await around(agent(file("payments", first=100, acknowledged=0)))).gaps == ()


async def test_more_gaps_than_are_looked_at_are_counted_and_their_services_not_called_heard() -> None:
    files = [file(f"s{n:03}", seen=150) for n in range(GAPS_MAX + 3)]
    found = await around(agent(*files))
    assert len(found.gaps) == GAPS_MAX
    assert found.notes == (f"{GAPS_MAX + 3} files have gaps; {GAPS_MAX} were looked at",)
    assert not any(absent.heard for absent in found.absent)


async def test_without_agents_nothing_is_said() -> None:
    assert await around() == Around()
