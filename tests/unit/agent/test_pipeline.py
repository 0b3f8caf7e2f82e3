"""The agent in-process, over the memory transport."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clew_agent.checkpoint import CheckpointFile
from clew_agent.clock import TimeExchange
from clew_agent.config import AgentSettings
from clew_agent.errors import DirectoryLocked, TransportUnavailable
from clew_agent.pipeline import Outcome, run_agent
from clew_agent.refused import RefusedLine
from clew_agent.status import read_status
from clew_agent.transport import MemoryTransport
from clew_agent.wire import Chunk, ClockOffset, Origin, event_id


def settings_for(folder: Path, **other: Any) -> AgentSettings:
    return AgentSettings.model_validate(
        {
            "sources": [{"paths": [f"{folder}/*.log"]}],
            "data": folder / "agent",
            "retry_initial_s": 0.001,
            "retry_max_s": 0.01,
            "scan_interval_s": 0.05,
            "heartbeat_interval_s": 0.05,
            "status_interval_s": 0.05,
            "checkpoint_interval_s": 0.01,
            **other,
        }
    )


def lines(transport: MemoryTransport) -> Counter[bytes]:
    return Counter(line.raw for chunk in transport.chunks for line in chunk.lines())


def numbered(count: int, prefix: str = "line") -> bytes:
    return b"".join(b"%s %d\n" % (prefix.encode(), i) for i in range(count))


def open_files(settings: AgentSettings) -> int:
    status = read_status(settings.data).status
    return status.open_files if status else 0


class Running:
    """An agent as a task; `until` asks again after everything that the transport gets."""

    def __init__(self, settings: AgentSettings, transport: MemoryTransport) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.ensure_future(run_agent(settings, transport, stop=self._stop))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not true():
                assert not self._task.done()
                await asyncio.wait({self._task}, timeout=0.005)

    async def stop(self) -> Outcome:
        self._stop.set()
        return await self._task


class TestReports:
    async def test_tell_how_far_the_clock_is_off_once_it_was_measured(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(1))
        transport = MemoryTransport()
        transport.time = TimeExchange(sent=5_000, received=1_000, answered=1_000, returned=5_010)
        agent = Running(settings_for(tmp_path), transport)
        await agent.until(lambda: len(transport.beats) > 1)
        await agent.stop()
        assert transport.beats[0].clock is None
        assert transport.beats[-1].clock == ClockOffset(offset_ns=4_005, uncertainty_ns=6, measured_ns=5_010)


class TestOnce:
    async def test_ships_everything_and_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(5000))
        (tmp_path / "b.log").write_bytes(b"one\nunfinished")
        (tmp_path / "empty.log").touch()
        transport = MemoryTransport()
        outcome = await run_agent(settings_for(tmp_path), transport, once=True)
        assert outcome.problems == ()
        assert lines(transport) == Counter([*numbered(5000).splitlines(), b"one", b"unfinished"])
        sizes = {file.path: (file.seen, file.shipped, file.acknowledged, file.lines) for file in outcome.files}
        assert sizes == {
            f"{tmp_path}/a.log": (*[len(numbered(5000))] * 3, 5000),
            f"{tmp_path}/b.log": (14, 14, 14, 2),
        }
        assert transport.beats[-1].files == outcome.files

    async def test_a_second_run_ships_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(10))
        settings = settings_for(tmp_path)
        await run_agent(settings, MemoryTransport(), once=True)
        again = MemoryTransport()
        await run_agent(settings, again, once=True)
        assert again.chunks == []
        assert again.beats[-1].files[0].acknowledged == len(numbered(10))

    async def test_a_lost_checkpoint_ships_all_again_under_the_same_ids(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(10))
        ids: list[set[str]] = []
        for _ in range(2):
            transport = MemoryTransport()
            await run_agent(settings_for(tmp_path), transport, once=True)
            ids.append({event_id(c.source.file_id, line.offset) for c in transport.chunks for line in c.lines()})
            for path in (tmp_path / "agent").glob("checkpoint*"):
                path.unlink()
        assert ids[0] == ids[1]
        assert len(ids[0]) == 10

    async def test_a_glob_without_files_is_a_problem_and_the_others_are_shipped(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(b"1\n")
        sources = [{"paths": [f"{tmp_path}/none/*.log", f"{tmp_path}/a.log"]}]
        transport = MemoryTransport()
        outcome = await run_agent(settings_for(tmp_path, sources=sources), transport, once=True)
        assert outcome.problems == (f"{tmp_path}/none/*.log: matches no file",)
        assert lines(transport) == Counter([b"1"])
        assert transport.beats[-1].errors == {f"{tmp_path}/none/*.log": "matches no file"}

    async def test_a_line_longer_than_a_batch_takes_both_slots(self, tmp_path: Path) -> None:
        content = b"short\n" + b"x" * 30_000 + b"\n" + b"y" * 90_000 + b"\nshort again\n"
        (tmp_path / "a.log").write_bytes(content)
        settings = settings_for(tmp_path, read_bytes_max=4096, line_bytes_max=32_768, in_flight_bytes_max=32_768)
        transport = MemoryTransport()
        outcome = await run_agent(settings, transport, once=True)
        kept = [line.raw for chunk in transport.chunks for line in chunk.lines()]
        assert [len(line) for line in kept] == [5, 30_000, 32_767, 11]
        assert outcome.files[0].acknowledged == len(content)
        assert sum(line.length for chunk in transport.chunks for line in chunk.lines()) == len(content)

    async def test_lines_carry_their_transaction(self, tmp_path: Path) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        (tmp_path / "a.log").write_text(f'{{"trace_id": "{trace}"}}\nno id\n')
        transport = MemoryTransport()
        await run_agent(settings_for(tmp_path), transport, once=True)
        found = [(line.transaction_id, line.origin) for line in transport.chunks[0].lines()]
        assert found[0] == (trace, Origin.LINE)
        assert found[1][1] == Origin.GENERATED


class TestRefusals:
    async def test_what_is_refused_is_given_up_with_its_range_and_the_rest_arrives(self, tmp_path: Path) -> None:
        (tmp_path / "bad.log").write_bytes(numbered(10, "bad"))
        (tmp_path / "good.log").write_bytes(numbered(10, "good"))
        transport = MemoryTransport(refuses=lambda chunk: chunk.source.path.endswith("bad.log"))
        settings = settings_for(tmp_path)
        outcome = await run_agent(settings, transport, once=True)
        size = len(numbered(10, "bad"))
        assert outcome.problems == (f"{tmp_path}/bad.log: {size} bytes were given up: refused",)
        assert lines(transport) == Counter(numbered(10, "good").splitlines())
        bad = next(file for file in outcome.files if file.path.endswith("bad.log"))
        assert [(r.start, r.end, r.reason) for r in bad.given_up] == [(0, size, "refused")]
        assert (bad.acknowledged, bad.lines) == (size, 0)
        again = await run_agent(settings, MemoryTransport(), once=True)
        assert again.problems == ()
        assert {file.path: file.given_up for file in again.files} == {f.path: f.given_up for f in outcome.files}

    async def test_the_one_line_that_is_refused_is_kept_and_counted_and_all_others_arrive(self, tmp_path: Path) -> None:
        poison = b'{"poison": "\xff"}\n'
        (tmp_path / "a.log").write_bytes(numbered(700) + poison + numbered(700, "more"))
        transport = MemoryTransport(refuses=lambda chunk: b"poison" in chunk.payload)
        settings = settings_for(tmp_path)
        outcome = await run_agent(settings, transport, once=True)
        start = len(numbered(700))
        assert lines(transport) == Counter((numbered(700) + numbered(700, "more")).splitlines())
        file = outcome.files[0]
        assert [(r.start, r.end, r.reason) for r in file.given_up] == [(start, start + len(poison), "refused")]
        assert (file.acknowledged, file.lines) == (file.seen, 1400)
        kept = msgspec.json.decode((settings.data / "refused.jsonl").read_bytes(), type=RefusedLine)
        assert (kept.path, kept.offset, kept.length, kept.line) == (file.path, start, len(poison), poison)
        assert (kept.file_id, kept.why) == (file.file_id, "the chunk is not wanted")

    async def test_no_more_is_kept_than_the_settings_say(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(50))
        settings = settings_for(tmp_path, refused_bytes_max=1000)
        outcome = await run_agent(settings, MemoryTransport(refuses=lambda _: True), once=True)
        kept = (settings.data / "refused.jsonl").read_bytes()
        assert 500 < len(kept) <= 1000
        assert [(r.start, r.end) for r in outcome.files[0].given_up] == [(0, len(numbered(50)))]


class TestCheckpoint:
    async def test_a_files_id_is_durable_before_its_first_line_leaves(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(3))
        settings = settings_for(tmp_path)
        known: list[bool] = []

        def look(chunk: Chunk) -> bool:
            checkpoint = CheckpointFile(settings.data).load().checkpoint
            assert checkpoint is not None
            known.append(chunk.source.file_id in {account.file_id for account in checkpoint.files})
            return False

        await run_agent(settings, MemoryTransport(refuses=look), once=True)
        assert known == [True]

    async def test_it_does_not_move_before_the_receiver_has_the_lines(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(numbered(3))
        settings = settings_for(tmp_path, shutdown_flush_s=0)
        transport = MemoryTransport()
        for _ in range(1000):
            transport.fail_next(TransportUnavailable("down"), arrived=True)
        agent = Running(settings, transport)
        await agent.until(lambda: transport.sends > 2)
        outcome = await agent.stop()
        assert (outcome.files[0].shipped, outcome.files[0].acknowledged) == (len(numbered(3)), 0)
        checkpoint = CheckpointFile(settings.data).load().checkpoint
        assert checkpoint is not None
        assert checkpoint.files[0].acknowledged == 0
        assert any("stopped before" in problem for problem in outcome.problems)

    async def test_an_id_keeps_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(b"1\n")
        beats = []
        for _ in range(2):
            transport = MemoryTransport()
            await run_agent(settings_for(tmp_path), transport, once=True)
            beats.append(transport.beats[-1].agent_id)
        assert beats[0] == beats[1] != ""


class TestRunning:
    @pytest.mark.parametrize("watch", [True, False])
    async def test_new_lines_and_new_files_arrive(self, tmp_path: Path, watch: bool) -> None:
        transport = MemoryTransport()
        agent = Running(settings_for(tmp_path, watch=watch), transport)
        await agent.until(lambda: bool(transport.beats))
        for name in ("a", "b"):
            for i in range(3):
                with (tmp_path / f"{name}.log").open("a") as file:
                    file.write(f"{name} {i}\n")
                await agent.until(lambda name=name, i=i: lines(transport)[f"{name} {i}".encode()] == 1)  # type: ignore[misc]
        await agent.stop()
        assert sum(lines(transport).values()) == 6

    async def test_with_inotify_nothing_waits_for_the_scan(self, tmp_path: Path) -> None:
        transport = MemoryTransport()
        agent = Running(settings_for(tmp_path, scan_interval_s=3600), transport)
        await agent.until(lambda: bool(transport.beats))
        for i in range(3):
            with (tmp_path / "a.log").open("a") as file:
                file.write(f"{i}\n")
            await agent.until(lambda i=i: lines(transport)[f"{i}".encode()] == 1)  # type: ignore[misc]
        await agent.stop()
        assert sum(lines(transport).values()) == 3

    async def test_an_outage_delays_and_neither_loses_nor_doubles(self, tmp_path: Path) -> None:
        transport = MemoryTransport()
        for _ in range(100):
            transport.fail_next(TransportUnavailable("down"))
        (tmp_path / "a.log").write_bytes(numbered(1000))
        settings = settings_for(tmp_path)
        agent = Running(settings, transport)
        await agent.until(lambda: any("down" in beat.errors.get("send", "") for beat in transport.beats))
        for i in range(5):
            (tmp_path / "a.log").rename(tmp_path / f"a.log.{i}")
            (tmp_path / "a.log").write_bytes(numbered(1000, f"after {i}"))
            await agent.until(lambda i=i: open_files(settings) == i + 2)  # type: ignore[misc]
        await agent.until(lambda: sum(lines(transport).values()) >= 6000)
        outcome = await agent.stop()
        assert max(lines(transport).values()) == 1
        assert len(outcome.files) == 6
        assert transport.beats[-1].errors == {}

    async def test_no_more_than_the_limit_is_in_flight(self, tmp_path: Path) -> None:
        for i in range(50):
            (tmp_path / f"{i}.log").write_bytes(numbered(1000))
        limit = 40_000
        settings = settings_for(tmp_path, read_bytes_max=4096, line_bytes_max=4096, in_flight_bytes_max=limit)
        transport = MemoryTransport()
        transport.fail_next(TransportUnavailable("down"))
        agent = Running(settings, transport)
        seen: list[int] = []

        def all_there() -> bool:
            status = read_status(settings.data).status
            seen.append(status.in_flight_bytes if status else 0)
            return sum(lines(transport).values()) == 50_000

        await agent.until(all_there)
        await agent.stop()
        assert max(seen) <= limit
        status = read_status(settings.data)
        assert status.running is False
        assert status.status is not None
        assert status.status.in_flight_bytes == 0

    async def test_a_checkpoint_that_cannot_be_written_holds_new_files_back(self, tmp_path: Path) -> None:
        settings = settings_for(tmp_path)
        transport = MemoryTransport()
        agent = Running(settings, transport)
        await agent.until(lambda: bool(transport.beats))
        # It can neither be written behind, nor whole.
        checkpoint, aside = settings.data / "checkpoint", settings.data / "aside"
        checkpoint.rename(aside)
        checkpoint.mkdir()
        (tmp_path / "a.log").write_bytes(b"1\n")
        await agent.until(lambda: "checkpoint" in transport.beats[-1].errors)
        assert not transport.chunks
        checkpoint.rmdir()
        aside.rename(checkpoint)
        await agent.until(lambda: bool(transport.chunks))
        await agent.until(lambda: "checkpoint" not in transport.beats[-1].errors)
        await agent.stop()

    async def test_a_second_agent_gets_no_directory(self, tmp_path: Path) -> None:
        transport = MemoryTransport()
        agent = Running(settings_for(tmp_path), transport)
        await agent.until(lambda: bool(transport.beats))
        with pytest.raises(DirectoryLocked):
            await run_agent(settings_for(tmp_path), MemoryTransport(), once=True)
        await agent.stop()
