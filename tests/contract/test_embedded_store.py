"""What only the embedded store promises: days, reopening, and what happens when the disk, the engine or it dies."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import tantivy

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.embedded.days import Days
from clew_collector.store.embedded.summaries import FILE_NAME, Summaries
from clew_collector.store.embedded.writer import DayWriter
from clew_collector.store.expression import ALL, Term
from clew_collector.store.protocol import Item, SearchRequest, Verdict

DAY = 86_400 * 1_000_000_000
NOVEMBER_24 = 20_781 * DAY
FILE = "ab" * 10


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOVEMBER_24

    def __call__(self) -> int:
        return self.now


def event(offset: int, **fields: Any) -> Event:
    event_id = f"{FILE}{offset:012x}"
    defaults = {
        "timestamp": offset,
        "observed_timestamp": 0,
        "service": "orders",
        "host": "alpha",
        "source": "/var/log/orders.log",
        "length": 1,
        "transaction_id": event_id,
        "transaction_origin": "generated",
        "body": f"line {offset}",
    }
    return Event(event_id=event_id, offset=offset, **(defaults | fields))


def items(position: int, offsets: Iterable[int]) -> list[Item]:
    return [Item(position, event(offset)) for offset in offsets]


@asynccontextmanager
async def opened(
    directory: Path, *, writable: bool = True, clock: Callable[[], int] | None = None
) -> AsyncIterator[Any]:
    store = EmbeddedStore.open(directory, writable=writable, clock=clock or Clock())
    try:
        yield store
    finally:
        await store.close()


async def offsets(store: EmbeddedStore) -> list[int]:
    page = await store.search(SearchRequest(order="asc", limit=10_000))
    assert page.total == len(page.events)
    return [one.offset for one in page.events]


class TestReopening:
    async def test_the_index_itself_says_where_to_go_on(self, tmp_path: Path) -> None:
        async with opened(tmp_path) as store:
            await store.write(items(1, range(3)))
            await store.write(items(7, range(3, 6)))
            await store.flush()
        async with opened(tmp_path) as store:
            assert await store.position() == 7
            assert await offsets(store) == list(range(6))
            assert await store.write(items(7, range(6, 8))) == [Verdict.DUPLICATE] * 2
            assert await store.write(items(8, [5, 6])) == [Verdict.DUPLICATE, Verdict.CREATED]

    async def test_what_was_not_flushed_is_written_again(self, tmp_path: Path) -> None:
        async with opened(tmp_path) as store:
            await store.write(items(1, range(3)))
            await store.flush()
            await store.write(items(2, range(3, 6)))
        async with opened(tmp_path) as store:
            assert await store.position() == 1
            assert await store.write(items(2, range(3, 6))) == [Verdict.CREATED] * 3
            await store.flush()
            assert await offsets(store) == list(range(6))

    async def test_after_kill_9_it_has_whole_flushes_only(self, tmp_path: Path) -> None:
        program = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_embedded_store import EmbeddedStore, items
async def main():
    store = EmbeddedStore.open(pathlib.Path({str(tmp_path)!r}), writable=True)
    for position in range(await store.position() + 1, 10_000):
        await store.write(items(position, range(50 * position, 50 * position + 50)))
        if position % 3 == 0:
            await store.flush()
            print(position, flush=True)
asyncio.run(main())
"""
        for lines in (1, 4, 9):
            flushed = await asyncio.to_thread(run_and_kill, program, lines)
            async with opened(tmp_path) as store:
                position = await store.position()
                assert position >= flushed
                assert position % 3 == 0
                assert await offsets(store) == list(range(50, 50 * position + 50))


def run_and_kill(program: str, lines: int) -> int:
    """Run a program until it has printed so many numbers, kill it, and return the last one."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        numbers = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
    return numbers[-1]


class TestDays:
    async def test_an_index_belongs_to_the_day_of_writing_whatever_the_events_say(self, tmp_path: Path) -> None:
        clock = Clock()
        async with opened(tmp_path, clock=clock) as store:
            await store.write(items(1, [0, 10]))
            clock.now += DAY  # midnight between two writes of one flush: the day stays
            await store.write(items(2, [20]))
            await store.flush()
            assert [path.name for path in sorted(tmp_path.glob("2*"))] == ["2026-11-24"]
            await store.write(items(3, [5, 15]))
            await store.flush()
            assert [path.name for path in sorted(tmp_path.glob("2*"))] == ["2026-11-24", "2026-11-25"]
            clock.now -= 3 * DAY
            await store.write(items(4, [25]))
            await store.flush()
            assert [path.name for path in sorted(tmp_path.glob("2*"))] == ["2026-11-24", "2026-11-25"]
            await self.check(store)
        async with opened(tmp_path, clock=clock) as store:
            await self.check(store)
            assert await store.write(items(5, [0, 5, 30])) == [
                Verdict.DUPLICATE,
                Verdict.DUPLICATE,
                Verdict.CREATED,
            ]

    async def check(self, store: EmbeddedStore) -> None:
        """Questions are answered over all days at once."""
        assert await offsets(store) == [0, 5, 10, 15, 20, 25]
        assert await store.position() == 4
        assert await store.time_bounds() == (0, 25)
        assert await store.count(ALL, start=5, end=20) == 3
        (file,) = await store.files()
        assert (file.events, file.bytes, file.start, file.end) == (6, 6, 0, 26)
        first = await store.search(SearchRequest(order="desc", limit=4))
        assert [one.offset for one in first.events] == [25, 20, 15, 10]
        rest = await store.search(SearchRequest(order="desc", limit=4, after=first.cursor))
        assert [one.offset for one in rest.events] == [5, 0]
        buckets = await store.histogram(ALL, start=0, end=30, interval=10)
        assert [bucket.counts for bucket in buckets] == [{"unspecified": 2}] * 3
        assert (await store.facet(ALL, "service"))[0].count == 6
        assert await store.get(event(15).event_id) == event(15)

    async def test_what_is_no_day_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "lost+found").mkdir()
        (tmp_path / "2026-11-24.bak").write_text("mine")
        async with opened(tmp_path) as store:
            assert await store.count(ALL) == 0
        assert (tmp_path / "2026-11-24.bak").read_text() == "mine"


class TestReaders:
    async def test_a_reader_sees_each_commit_of_another_process_s_store_and_new_days(self, tmp_path: Path) -> None:
        clock = Clock()
        async with opened(tmp_path, clock=clock) as writer, opened(tmp_path, writable=False) as reader:
            assert await reader.count(ALL) == 0
            await writer.write(items(1, [0]))
            assert await reader.count(ALL) == 0
            await writer.flush()
            assert await reader.count(ALL) == 1
            clock.now += DAY
            await writer.write(items(2, [1]))
            await writer.flush()
            assert await reader.count(ALL) == 2
            assert await reader.position() == 2
            await writer.write(items(3, [2]))
            await writer.flush()
            assert await offsets(reader) == [0, 1, 2]

    async def test_a_reader_of_nothing_makes_nothing(self, tmp_path: Path) -> None:
        async with opened(tmp_path / "none", writable=False) as reader:
            assert await reader.count(ALL) == 0
            assert await reader.position() == 0
        assert list(tmp_path.iterdir()) == []

    async def test_a_reader_does_not_write(self, tmp_path: Path) -> None:
        async with opened(tmp_path, writable=False) as reader:
            with pytest.raises(StoreError, match="for reading"):
                await reader.write(items(1, [0]))
            with pytest.raises(StoreError, match="for reading"):
                await reader.flush()

    async def test_two_writers_do_not_share_a_store(self, tmp_path: Path) -> None:
        async with opened(tmp_path) as first, opened(tmp_path) as second:
            await first.write(items(1, [0]))
            with pytest.raises(StoreError) as refused:
                await second.write(items(1, [0]))
            assert "another process writes" in refused.value.hint
            await first.flush()
            assert await first.count(ALL) == 1


class PoisonedWriter(DayWriter):
    """Gives the engine, once, a document on which its worker dies (a signed number in an unsigned field)."""

    poison_at = 5

    def add(self, document: tantivy.Document) -> None:
        """Take a document, or the poison."""
        self.poison_at -= 1
        super().add(tantivy.Document(position=1) if self.poison_at == 0 else document)


class TestFailures:
    async def test_a_writer_that_died_loses_nothing_that_was_flushed_and_comes_back(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        writer = PoisonedWriter(tmp_path, heap_bytes=15 << 20, threads=1, clock=Clock())
        store = EmbeddedStore(Days(tmp_path, writable=True), writer, Summaries(tmp_path / FILE_NAME, writable=True))
        await store.write(items(1, range(3)))
        await store.flush()

        async def write_until_it_dies() -> None:
            for first in range(3, 100_000, 1_000):
                await store.write(items(2, range(first, first + 1_000)))
                await store.flush()

        with pytest.raises(StoreError):
            await write_until_it_dies()
        assert await store.position() == 1
        assert await store.write(items(2, range(3, 6))) == [Verdict.CREATED] * 3
        await store.flush()
        assert await offsets(store) == list(range(6))
        assert await store.position() == 2
        await store.close()
        assert "panicked" in capfd.readouterr().err

    async def test_a_full_disk_is_said_and_nothing_flushed_is_lost(self, tmp_path: Path) -> None:
        """A limit on the size of files stands in for the full disk: the engine meets both in the same calls."""
        program = f"""
import asyncio, pathlib, resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_embedded_store import EmbeddedStore, StoreError, items, offsets
async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = EmbeddedStore.open(pathlib.Path({str(tmp_path)!r}), writable=True)
    await store.write(items(1, range(10)))
    await store.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        await store.write(items(2, range(10, 10_000)))
        await store.flush()
    except StoreError as error:
        print(error.hint)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert await store.position() == 1 and await offsets(store) == list(range(10))
    await store.write(items(2, range(10, 5_000)))
    await store.flush()
    assert await store.position() == 2 and await offsets(store) == list(range(5_000))
    await store.close()
    print("whole")
asyncio.run(main())
"""
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout.splitlines()[-1:] == ["whole"], done.stderr
        assert "Clew goes on by itself from the last commit" in done.stdout

    @pytest.fixture
    async def damaged(self, tmp_path: Path) -> Path:
        async with opened(tmp_path) as store:
            await store.write(items(1, range(100)))
            await store.flush()
        return tmp_path / "2026-11-24"

    @pytest.mark.parametrize("writable", [True, False])
    async def test_a_damaged_head_is_refused_with_a_hint(self, damaged: Path, writable: bool) -> None:
        (damaged / "meta.json").write_text("garbage")
        with pytest.raises(StoreError) as refused:
            EmbeddedStore.open(damaged.parent, writable=writable)
        assert "clew replay" in refused.value.hint
        assert (damaged / "meta.json").read_text() == "garbage"

    @pytest.mark.parametrize("writable", [True, False])
    async def test_an_index_without_its_head_is_no_empty_store(self, damaged: Path, writable: bool) -> None:
        (damaged / "meta.json").unlink()
        before = sorted(damaged.iterdir())
        with pytest.raises(StoreError) as refused:
            EmbeddedStore.open(damaged.parent, writable=writable)
        assert "clew replay" in refused.value.hint
        assert sorted(damaged.iterdir()) == before

    @pytest.mark.parametrize("suffix", [".store", ".fast", ".idx", ".term"])
    @pytest.mark.parametrize("keep", [0, 10])
    async def test_a_cut_segment_is_refused_and_kept(self, damaged: Path, suffix: str, keep: int) -> None:
        (segment,) = damaged.glob(f"*{suffix}")
        segment.write_bytes(segment.read_bytes()[:keep])
        with pytest.raises(StoreError) as refused:
            async with opened(damaged.parent) as store:
                await store.search(SearchRequest(Term("body", "line")))
        assert "clew replay" in refused.value.hint
        assert segment.stat().st_size == keep

    async def test_an_index_of_another_version_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "2026-11-24").mkdir()
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("something")
        tantivy.Index(schema.build(), path=str(tmp_path / "2026-11-24"))
        with pytest.raises(StoreError, match="schema does not match"):
            EmbeddedStore.open(tmp_path, writable=True)

    async def test_a_directory_that_cannot_be_made_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError):
            EmbeddedStore.open(tmp_path / "file" / "store", writable=True)
