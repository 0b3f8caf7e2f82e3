"""What every log promises: one suite over all of them."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from tests.chunks import FILE_A, FILE_B, chunk_of, numbered, scattered

from clew_agent.wire import Chunk, SourceKind, encode_chunk
from clew_collector.errors import DataDirectoryError, LogError, LogFull
from clew_collector.log.memory import MemoryLog
from clew_collector.log.protocol import Appended, FileCoverage, Log, decoded_bytes
from clew_collector.log.sqlite import SqliteLog

PLENTY = 1 << 30
DAY_NS = 86_400 * 10**9


class Clock:
    """A clock that tests set, ns UTC."""

    def __init__(self) -> None:
        self.now = 20_000 * DAY_NS

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def make_log(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Callable[..., Log]:
    if request.param == "memory":
        return lambda bytes_max=None: MemoryLog(clock=clock, bytes_max=bytes_max)
    return lambda bytes_max=None: SqliteLog.open(tmp_path / "log", clock=clock, bytes_max=bytes_max)


@pytest.fixture
async def log(make_log: Callable[..., Log]) -> AsyncIterator[Log]:
    made = make_log()
    yield made
    await made.close()


async def everything(log: Log) -> list[tuple[str, int, bytes]]:
    """Every line of the log as (file, offset, bytes), in order of position."""
    records = await log.read(0, bytes_max=PLENTY, wait_s=0)
    return [
        (record.chunk.source.file_id.hex(), line.offset, line.raw)
        for record in records
        for line in record.chunk.lines()
    ]


class TestAppend:
    async def test_keeps_chunks_in_order_from_position_one(self, log: Log) -> None:
        await log.append([numbered(0, 3), numbered(0, 2, file=FILE_B)])
        await log.append([numbered(3, 4)])
        records = await log.read(0, bytes_max=PLENTY, wait_s=0)
        assert [(r.position, r.chunk) for r in records] == [
            (1, numbered(0, 3)),
            (2, numbered(0, 2, file=FILE_B)),
            (3, numbered(3, 4)),
        ]

    async def test_counts_lines(self, log: Log) -> None:
        assert await log.append([numbered(0, 3), numbered(3, 5)]) == Appended(accepted=5, duplicate=0)

    async def test_nothing_is_nothing(self, log: Log) -> None:
        assert await log.append([]) == Appended(0, 0)
        assert await log.end() == 0

    async def test_takes_the_wire_form_that_came_with_it(self, log: Log) -> None:
        chunk = numbered(0, 100)
        wire = encode_chunk(chunk, level=9)
        await log.append([chunk], encoded=[wire])
        (record,) = await log.read(0, bytes_max=PLENTY, wait_s=0)
        assert (record.chunk, record.bytes) == (chunk, len(wire))

    async def test_concurrent_appends_are_each_kept(self, log: Log) -> None:
        files = [i.to_bytes(10, "big") for i in range(50)]
        answers = await asyncio.gather(*(log.append([numbered(0, 4, file=file)]) for file in files))
        assert answers == [Appended(4, 0)] * 50
        assert sorted({file for file, _, _ in await everything(log)}) == [file.hex() for file in files]

    async def test_concurrent_appends_of_the_same_lines_keep_them_once(self, log: Log) -> None:
        answers = await asyncio.gather(*(log.append([numbered(0, 4)]) for _ in range(20)))
        assert sum(a.accepted for a in answers) == 4
        assert sum(a.duplicate for a in answers) == 76

    async def test_after_close_it_is_refused(self, log: Log) -> None:
        await log.close()
        with pytest.raises(LogError):
            await log.append([numbered(0, 1)])


class TestDuplicates:
    async def test_a_chunk_sent_twice_adds_nothing(self, log: Log) -> None:
        await log.append([numbered(0, 3)])
        assert await log.append([numbered(0, 3)]) == Appended(0, 3)
        assert await log.end() == 1

    async def test_twice_in_one_append_is_kept_once(self, log: Log) -> None:
        assert await log.append([numbered(0, 3), numbered(1, 4)]) == Appended(4, 2)

    async def test_only_new_lines_of_an_overlapping_chunk_are_kept(self, log: Log) -> None:
        await log.append([numbered(0, 3)])
        assert await log.append([numbered(1, 5)]) == Appended(2, 2)
        records = await log.read(1, bytes_max=PLENTY, wait_s=0)
        assert [record.chunk for record in records] == [numbered(3, 5)]

    async def test_lines_before_and_behind_what_is_there_are_kept(self, log: Log) -> None:
        await log.append([numbered(4, 6)])
        assert await log.append([numbered(2, 8)]) == Appended(4, 2)
        assert sorted(await everything(log)) == sorted(
            (FILE_A.hex(), line.offset, line.raw) for line in numbered(2, 8).lines()
        )

    async def test_chunks_may_come_in_any_order(self, log: Log) -> None:
        for first in (6, 0, 3, 9):
            await log.append([numbered(first, first + 3)])
        assert await log.coverage() == [FileCoverage(FILE_A.hex(), 0, 12 * 16)]
        assert await log.append([numbered(0, 12)]) == Appended(0, 12)

    async def test_files_do_not_meet(self, log: Log) -> None:
        await log.append([numbered(0, 3)])
        assert await log.append([numbered(0, 3, file=FILE_B)]) == Appended(3, 0)

    async def test_ids_and_aliases_stay_with_their_lines(self, log: Log) -> None:
        chunk = msgspec.structs.replace(
            numbered(0, 4), ids=bytes(range(64)), origins=bytes([0, 1, 2, 1]), aliases={0: ("a",), 3: ("b", "c")}
        )
        await log.append([numbered(0, 2)])
        await log.append([chunk])
        kept = (await log.read(1, bytes_max=PLENTY, wait_s=0))[0].chunk
        assert list(kept.lines()) == list(chunk.lines())[2:]

    async def test_a_last_line_that_grew_gives_its_rest(self, log: Log) -> None:
        """The agent sent a line without an end, died before its checkpoint, and reads it again, longer."""
        await log.append([chunk_of([b"one\n", b"tw"])])
        assert await log.append([chunk_of([b"one\n", b"two\n", b"three\n"])]) == Appended(2, 1)
        assert [(offset, raw) for _, offset, raw in await everything(log)] == [
            (0, b"one"),
            (4, b"tw"),
            (6, b"o"),
            (8, b"three"),
        ]

    async def test_gaps_between_lines_are_kept(self, log: Log) -> None:
        await log.append([scattered([(0, b"a\n"), (10, b"b\n"), (20, b"c\n")])])
        assert await log.append([scattered([(0, b"a\n"), (5, b"x\n"), (20, b"c\n")])]) == Appended(1, 2)
        assert await log.coverage() == [FileCoverage(FILE_A.hex(), start, start + 2) for start in (0, 5, 10, 20)]

    @pytest.mark.parametrize("seed", range(5))
    async def test_any_cuts_in_any_order_keep_every_line_once(self, log: Log, seed: int) -> None:
        rng = random.Random(seed)
        chunks: list[Chunk] = []
        for _ in range(60):
            first = rng.randrange(100)
            chunks.append(numbered(first, rng.randint(first + 1, 101), file=rng.choice([FILE_A, FILE_B])))
        rng.shuffle(chunks)
        for chunk in chunks:
            await log.append([chunk])
        wanted = {(c.source.file_id.hex(), line.offset, line.raw) for c in chunks for line in c.lines()}
        assert sorted(await everything(log)) == sorted(wanted)


class TestRead:
    async def test_gives_what_lies_behind_a_position(self, log: Log) -> None:
        await log.append([numbered(i, i + 1) for i in range(5)])
        assert [r.position for r in await log.read(3, bytes_max=PLENTY, wait_s=0)] == [4, 5]

    async def test_gives_one_record_even_if_it_is_too_large(self, log: Log) -> None:
        await log.append([numbered(i, i + 1) for i in range(3)])
        assert [r.position for r in await log.read(0, bytes_max=1, wait_s=0)] == [1]

    async def test_stops_at_the_limit(self, log: Log) -> None:
        await log.append([numbered(i, i + 1) for i in range(5)])
        size = decoded_bytes(numbered(0, 1))
        assert [r.position for r in await log.read(1, bytes_max=3 * size, wait_s=0)] == [2, 3, 4]

    async def test_nothing_there_is_an_empty_list(self, log: Log) -> None:
        assert await log.read(0, bytes_max=PLENTY, wait_s=0) == []
        assert await log.read(0, bytes_max=PLENTY, wait_s=0.01) == []

    async def test_wakes_for_the_next_append(self, log: Log) -> None:
        waiting = asyncio.create_task(log.read(0, bytes_max=PLENTY, wait_s=60))
        await asyncio.sleep(0)
        await log.append([numbered(0, 1)])
        assert [r.position for r in await waiting] == [1]

    async def test_close_wakes_those_who_wait(self, log: Log) -> None:
        waiting = asyncio.create_task(log.read(0, bytes_max=PLENTY, wait_s=60))
        await asyncio.sleep(0)
        await log.close()
        try:
            assert await waiting == []
        except LogError as error:
            assert "closed" in error.message  # noqa: PT017 - either answer is right, a wait without end is not


def request_of(first: int, last: int) -> Chunk:
    """Records of an OTLP request, which the log sees as lines of a file that is the request."""
    chunk = numbered(first, last, file=FILE_B)
    return msgspec.structs.replace(chunk, source=msgspec.structs.replace(chunk.source, kind=SourceKind.OTLP_LOGS))


class TestRequests:
    async def test_that_come_again_add_nothing(self, log: Log) -> None:
        assert await log.append([request_of(0, 3)]) == Appended(3, 0)
        assert await log.append([request_of(0, 3)]) == Appended(0, 3)
        (record,) = await log.read(0, bytes_max=PLENTY, wait_s=0)
        assert record.chunk.source.kind is SourceKind.OTLP_LOGS

    async def test_are_no_files(self, log: Log) -> None:
        await log.append([request_of(0, 3), numbered(0, 2)])
        assert await log.coverage() == [FileCoverage(FILE_A.hex(), 0, 32)]

    async def test_are_known_on_the_day_after(self, log: Log, clock: Clock) -> None:
        await log.append([request_of(0, 3)])
        clock.now += DAY_NS
        assert await log.append([request_of(0, 3), numbered(0, 1)]) == Appended(1, 3)


class TestPositions:
    async def test_end_is_the_last_position(self, log: Log) -> None:
        assert await log.end() == 0
        await log.append([numbered(0, 1), numbered(1, 2)])
        assert await log.end() == 2

    async def test_lag_counts_encoded_bytes_behind_a_position(self, log: Log) -> None:
        await log.append([numbered(0, 9), numbered(9, 10), numbered(10, 40)])
        sizes = [r.bytes for r in await log.read(0, bytes_max=PLENTY, wait_s=0)]
        assert [await log.lag_bytes(after) for after in range(5)] == [
            sum(sizes), sizes[1] + sizes[2], sizes[2], 0, 0,
        ]  # fmt: skip

    async def test_position_at_is_the_last_before_a_time(self, log: Log, clock: Clock) -> None:
        begin = clock.now
        assert await log.position_at(begin) == 0
        for i in range(4):
            clock.now = begin + i * DAY_NS // 2
            await log.append([numbered(i, i + 1)])
        times = (0, begin, begin + 1, begin + DAY_NS // 2, begin + DAY_NS, begin + DAY_NS + 1, begin + 9 * DAY_NS)
        assert [await log.position_at(t) for t in times] == [0, 0, 1, 1, 2, 3, 4]

    async def test_arrival_never_falls_when_the_clock_steps_back(self, log: Log, clock: Clock) -> None:
        await log.append([numbered(0, 1)])
        clock.now -= 3 * DAY_NS
        await log.append([numbered(1, 2)])
        first, second = await log.read(0, bytes_max=PLENTY, wait_s=0)
        assert second.appended_ns >= first.appended_ns


class TestFull:
    async def test_says_so_and_keeps_nothing_of_the_append(self, make_log: Callable[..., Log]) -> None:
        log = make_log(bytes_max=200_000)
        try:
            rng = random.Random(1)
            await log.append([chunk_of([rng.randbytes(1000)])])
            large = [chunk_of([rng.randbytes(50_000)], start=1000 + i * 50_000) for i in range(8)]
            with pytest.raises(LogFull) as caught:
                await log.append(large)
            assert caught.value.hint
            assert await log.end() == 1
            assert await log.coverage() == [FileCoverage(FILE_A.hex(), 0, 1000)]
            assert await log.append(large[:1]) == Appended(1, 0)
        finally:
            await log.close()


class TestSqlite:
    """What only the log on disk promises."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        return tmp_path / "log"

    async def test_everything_is_there_after_reopening(self, directory: Path) -> None:
        first = SqliteLog.open(directory)
        await first.append([numbered(0, 3)])
        await first.close()
        second = SqliteLog.open(directory)
        assert await second.append([numbered(0, 5)]) == Appended(2, 3)
        assert [r.position for r in await second.read(0, bytes_max=PLENTY, wait_s=0)] == [1, 2]
        await second.close()

    async def test_a_day_has_a_file_and_positions_go_on(self, directory: Path, clock: Clock) -> None:
        log = SqliteLog.open(directory, clock=clock)
        await log.append([numbered(0, 3)])
        clock.now += DAY_NS
        assert await log.append([numbered(0, 4)]) == Appended(1, 3)
        clock.now += 5 * DAY_NS
        await log.append([numbered(4, 5)])
        assert [p.name for p in sorted(directory.glob("*.sqlite"))] == [
            "2024-10-04.sqlite",
            "2024-10-05.sqlite",
            "2024-10-10.sqlite",
        ]
        assert [r.position for r in await log.read(0, bytes_max=PLENTY, wait_s=0)] == [1, 2, 3]
        assert [r.position for r in await log.read(1, bytes_max=PLENTY, wait_s=0)] == [2, 3]
        await log.close()

    async def test_requests_are_forgotten_after_two_days(self, directory: Path, clock: Clock) -> None:
        log = SqliteLog.open(directory, clock=clock)
        await log.append([request_of(0, 3)])
        for _ in range(2):
            clock.now += DAY_NS
            await log.append([numbered(clock.now // DAY_NS, clock.now // DAY_NS + 1)])
        assert await log.append([request_of(0, 3)]) == Appended(3, 0)
        await log.close()

    async def test_a_clock_that_steps_back_keeps_the_newest_day(self, directory: Path, clock: Clock) -> None:
        log = SqliteLog.open(directory, clock=clock)
        await log.append([numbered(0, 1)])
        clock.now -= 10 * DAY_NS
        await log.append([numbered(1, 2)])
        assert [p.name for p in directory.glob("*.sqlite")] == ["2024-10-04.sqlite"]
        await log.close()

    async def test_the_oldest_days_may_be_removed(self, directory: Path, clock: Clock) -> None:
        log = SqliteLog.open(directory, clock=clock)
        await log.append([numbered(0, 3)])
        clock.now += DAY_NS
        await log.append([numbered(3, 4)])
        await log.close()
        for path in directory.glob("2024-10-04*"):
            path.unlink()
        log = SqliteLog.open(directory, clock=clock)
        assert [r.position for r in await log.read(0, bytes_max=PLENTY, wait_s=0)] == [2]
        assert await log.append([numbered(0, 4)]) == Appended(0, 4)
        assert await log.position_at(clock.now + 1) == 2
        await log.close()

    async def test_readers_see_commits_of_the_process_that_writes(self, directory: Path) -> None:
        writer = SqliteLog.open(directory)
        reader = SqliteLog.open(directory, writable=False)
        assert await reader.end() == 0
        waiting = asyncio.create_task(reader.read(0, bytes_max=PLENTY, wait_s=30))
        await writer.append([numbered(0, 3)])
        assert [r.position for r in await waiting] == [1]
        assert await reader.end() == 1
        with pytest.raises(LogError, match="reading only"):
            await reader.append([numbered(3, 4)])
        await reader.close()
        await writer.close()

    async def test_a_new_day_that_was_not_finished_is_begun_again(self, directory: Path, clock: Clock) -> None:
        directory.mkdir()
        (directory / "2024-10-04.sqlite.new").write_bytes(b"half")
        log = SqliteLog.open(directory, clock=clock)
        await log.append([numbered(0, 1)])
        await log.close()
        assert [p.name for p in directory.iterdir()] == ["2024-10-04.sqlite"]

    async def test_closing_ends_its_thread(self, directory: Path) -> None:
        before = threading.active_count()
        log = SqliteLog.open(directory)
        log_threads = [t for t in threading.enumerate() if t.name == "clew-log-writer"]
        await log.close()
        assert len(log_threads) == 1
        assert not log_threads[0].is_alive()
        assert before <= threading.active_count()


class TestDamage:
    """A damaged log is an error with a hint, and stays as it is."""

    async def make(self, directory: Path, clock: Clock) -> list[Path]:
        log = SqliteLog.open(directory, clock=clock)
        for day in range(3):
            await log.append([numbered(3 * day, 3 * day + 3)])
            clock.now += DAY_NS
        await log.close()
        return sorted(directory.glob("*.sqlite"))

    @pytest.mark.parametrize("damage", ["empty", "noise", "cut"])
    @pytest.mark.parametrize("day", [0, 2])
    async def test_a_file_that_is_no_database(self, tmp_path: Path, clock: Clock, damage: str, day: int) -> None:
        path = (await self.make(tmp_path, clock))[day]
        whole = path.read_bytes()
        broken = {"empty": b"", "noise": random.Random(1).randbytes(9000), "cut": whole[:1000]}[damage]
        path.write_bytes(broken)
        with pytest.raises(DataDirectoryError) as caught:
            SqliteLog.open(tmp_path, clock=clock)
        assert path.name in caught.value.message
        assert caught.value.hint
        assert path.read_bytes() == broken

    async def test_a_day_missing_between_others(self, tmp_path: Path, clock: Clock) -> None:
        (await self.make(tmp_path, clock))[1].unlink()
        with pytest.raises(DataDirectoryError, match="missing"):
            SqliteLog.open(tmp_path, clock=clock)

    async def test_a_newer_format(self, tmp_path: Path, clock: Clock) -> None:
        import sqlite3

        path = (await self.make(tmp_path, clock))[2]
        connection = sqlite3.connect(path)
        connection.execute("UPDATE meta SET value = 99 WHERE key = 'format'")
        connection.commit()
        connection.close()
        with pytest.raises(DataDirectoryError, match="format 99"):
            SqliteLog.open(tmp_path, clock=clock)

    async def test_a_record_that_does_not_decode_names_its_position(self, tmp_path: Path, clock: Clock) -> None:
        import sqlite3

        path = (await self.make(tmp_path, clock))[1]
        connection = sqlite3.connect(path)
        connection.execute("UPDATE chunks SET data = x'00' WHERE position = 2")
        connection.commit()
        connection.close()
        log = SqliteLog.open(tmp_path, clock=clock)
        assert [r.position for r in await log.read(0, bytes_max=PLENTY, wait_s=0)] == [1]
        with pytest.raises(LogError, match="position 2"):
            await log.read(1, bytes_max=PLENTY, wait_s=0)
        await log.close()
