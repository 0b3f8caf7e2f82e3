"""The registry of agents: last heartbeats, and the accounts of files, which are never forgotten."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clew_agent.wire import FileLedger, GivenUp, Heartbeat
from clew_collector.agents import Agents, merge_ledgers
from clew_collector.errors import DataDirectoryError, LogFull


def ledger(name: str, acknowledged: int = 0, **fields: object) -> FileLedger:
    return FileLedger(file_id=name, path=f"/{name}", host="h", service="s", acknowledged=acknowledged, **fields)  # type: ignore[arg-type]


def beat(agent: str, *files: FileLedger, sent_ns: int = 1) -> Heartbeat:
    return Heartbeat(agent_id=agent, host="h", version="0", sent_ns=sent_ns, started_ns=0, files=files)


class TestMerge:
    def test_the_first_word_is_taken(self) -> None:
        assert merge_ledgers(None, ledger("a", 5)) == ledger("a", 5)

    def test_acknowledged_never_falls(self) -> None:
        assert merge_ledgers(ledger("a", 9), ledger("a", 5)).acknowledged == 9
        assert merge_ledgers(ledger("a", 5), ledger("a", 9)).acknowledged == 9

    def test_a_range_given_up_that_grew_replaces_the_shorter(self) -> None:
        old = ledger("a", given_up=(GivenUp(0, 5, "deleted"), GivenUp(8, 9, "refused")))
        new = ledger("a", given_up=(GivenUp(0, 7, "deleted"),))
        assert merge_ledgers(old, new).given_up == (GivenUp(8, 9, "refused"), GivenUp(0, 7, "deleted"))


class TestRegistry:
    @pytest.fixture
    async def agents(self) -> AsyncIterator[Agents]:
        ticks = itertools.count(1)
        made = Agents.in_memory(clock=lambda: next(ticks), agents_max=2, files_max=3)
        yield made
        await made.close()

    async def test_keeps_the_last_heartbeat_of_each_agent(self, agents: Agents) -> None:
        await agents.record(beat("b", sent_ns=1))
        await agents.record(beat("a", sent_ns=2))
        await agents.record(beat("b", sent_ns=3))
        assert [(b.agent_id, b.sent_ns) for b in await agents.heartbeats()] == [("a", 2), ("b", 3)]
        assert [agent.seen_ns for agent in agents.seen()] == [2, 3]

    async def test_an_older_report_that_comes_late_replaces_nothing(self, agents: Agents) -> None:
        await agents.record(beat("a", ledger("f", 9), sent_ns=5))
        await agents.record(beat("a", ledger("f", 4), sent_ns=3))
        assert [b.sent_ns for b in await agents.heartbeats()] == [5]
        assert (await agents.ledgers())["f"].acknowledged == 9

    async def test_a_forgotten_file_keeps_its_account(self, agents: Agents) -> None:
        await agents.record(beat("a", ledger("f", 9), sent_ns=1))
        await agents.record(beat("a", sent_ns=2))
        assert (await agents.ledgers())["f"].acknowledged == 9

    async def test_the_agent_not_heard_of_for_longest_makes_place(self, agents: Agents) -> None:
        for n, name in enumerate(["a", "b", "a", "c"]):
            await agents.record(beat(name, ledger(name), sent_ns=n))
        assert [b.agent_id for b in await agents.heartbeats()] == ["a", "c"]
        assert sorted(await agents.ledgers()) == ["a", "b", "c"]

    async def test_more_files_than_fit_are_refused_whole(self, agents: Agents) -> None:
        await agents.record(beat("a", ledger("1"), ledger("2"), sent_ns=1))
        with pytest.raises(LogFull, match="3 files"):
            await agents.record(beat("a", ledger("3"), ledger("4"), sent_ns=2))
        assert sorted(await agents.ledgers()) == ["1", "2"]
        assert [b.sent_ns for b in await agents.heartbeats()] == [1]
        await agents.record(beat("a", ledger("1", 5), sent_ns=3))


class TestFile:
    async def test_is_there_after_reopening(self, tmp_path: Path) -> None:
        agents = Agents.open(tmp_path / "state.sqlite")
        await agents.record(beat("a", ledger("f", 9)))
        reader = Agents.open(tmp_path / "state.sqlite", writable=False)
        await agents.close()
        assert [b.agent_id for b in await reader.heartbeats()] == ["a"]
        assert (await reader.ledgers())["f"].acknowledged == 9
        await reader.close()

    async def test_a_reader_of_none_finds_none(self, tmp_path: Path) -> None:
        reader = Agents.open(tmp_path / "state.sqlite", writable=False)
        assert await reader.heartbeats() == []
        await reader.close()
        assert not (tmp_path / "state.sqlite").exists()

    async def test_a_damaged_file_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        path = tmp_path / "state.sqlite"
        path.write_bytes(b"no database" * 999)
        with pytest.raises(DataDirectoryError, match=r"state\.sqlite") as caught:
            Agents.open(path)
        assert caught.value.hint
        assert path.read_bytes() == b"no database" * 999
