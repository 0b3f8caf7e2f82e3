"""The consumer: everything in the log gets into the store, once, through failures of either."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.chunks import FILE_A, FILE_B, numbered
from tests.plain_normaliser import PlainNormaliser
from tests.recorded import RecordedMetrics

from clew_collector.consumer import Consumer, ConsumerLimits, retry_wait_s
from clew_collector.dead_letters import Desk, MemoryDeadLetters, ShareLimit
from clew_collector.errors import LogError, StoreError
from clew_collector.event import Event
from clew_collector.flush import FlushPolicy
from clew_collector.live import Broadcast
from clew_collector.log.memory import MemoryLog
from clew_collector.log.protocol import Record
from clew_collector.store.expression import ALL
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, SearchRequest, Verdict

LIMITS = ConsumerLimits(
    flush=FlushPolicy(interval_s=0.01, interval_busy_s=0.05, events_max=50, bytes_max=1 << 20),
    busy_lag_bytes=1 << 20,
    batch_bytes_max=1000,
    batch_lines_max=20,
    retry_wait_s_min=0.001,
    retry_wait_s_max=0.01,
)


class UnsteadyStore(MemoryStore):
    """Fails when it is told to; what was not flushed is then gone, as the protocol says."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Callable[[str], bool] = lambda _operation: False
        self.events_when_flushed: list[int] = []

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        self._may_fail("write")
        return await super().write(items)

    async def flush(self) -> None:
        self._may_fail("flush")
        await super().flush()
        self.events_when_flushed.append(await self.count(ALL))

    def _may_fail(self, operation: str) -> None:
        if self.fails(operation):
            self._written.clear()
            self._written_position = self._position
            raise StoreError(f"{operation} failed")


class LogWithDamage(MemoryLog):
    """One record cannot be read."""

    damaged = 0

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        records = await super().read(after, bytes_max=bytes_max, wait_s=wait_s)
        good = [r for r in records if r.position < self.damaged] if self.damaged else records
        if records and not good:
            raise LogError(f"the record at position {records[0].position} is damaged")
        return good


class House:
    """A consumer and what it works with."""

    def __init__(self) -> None:
        self.log = LogWithDamage()
        self.store = UnsteadyStore()
        self.metrics = RecordedMetrics()
        self.dead_letters = MemoryDeadLetters()
        self.desk = Desk(self.dead_letters, ShareLimit(0.1), self.metrics)
        self.live = Broadcast(self.metrics, events_max=1000, subscriptions_max=5)
        self.consumer = Consumer(
            log=self.log,
            store=self.store,
            normaliser=PlainNormaliser(),
            desk=self.desk,
            live=self.live,
            metrics=self.metrics,
            limits=LIMITS,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Consumer]:
        task = asyncio.create_task(self.consumer.run())
        try:
            yield self.consumer
        finally:
            self.consumer.stop()
            await task

    async def stored(self) -> list[tuple[str, int]]:
        page = await self.store.search(SearchRequest(limit=10_000, order="asc"))
        return sorted((event.file_id, event.offset) for event in page.events)


@pytest.fixture
def house() -> House:
    return House()


async def drained(consumer: Consumer) -> None:
    """Drain as one who does not give up."""
    while True:
        try:
            return await consumer.drain()
        except (StoreError, ZeroDivisionError):
            await asyncio.sleep(0)


def places(*files: bytes, lines: int) -> list[tuple[str, int]]:
    return sorted((file.hex(), 16 * n) for file in files for n in range(lines))


class TestConsume:
    async def test_everything_gets_into_the_store(self, house: House) -> None:
        await house.log.append([numbered(0, 30), numbered(0, 30, file=FILE_B)])
        async with house.running() as consumer:
            await consumer.drain()
            assert await house.stored() == places(FILE_A, FILE_B, lines=30)
            await house.log.append([numbered(30, 40), numbered(30, 40, file=FILE_B)])
            await consumer.drain()
            assert await house.stored() == places(FILE_A, FILE_B, lines=40)
            assert consumer.position == 4
        assert house.metrics.counts["clew_consumer_events", (("verdict", "created"),)] == 80
        assert house.metrics.levels["clew_consumer_lag"] == 0

    async def test_goes_on_where_the_store_is(self, house: House) -> None:
        await house.log.append([numbered(i, i + 1) for i in range(10)])
        events = PlainNormaliser().events(numbered(0, 1))
        await house.store.write([Item(6, events[0])])
        await house.store.flush()
        async with house.running() as consumer:
            await consumer.drain()
        assert await house.stored() == [(FILE_A.hex(), 16 * n) for n in (0, 6, 7, 8, 9)]

    async def test_a_record_larger_than_a_batch_is_never_flushed_in_part(self, house: House) -> None:
        await house.log.append([numbered(0, 5), numbered(5, 305), numbered(305, 310)])
        async with house.running() as consumer:
            await consumer.drain()
        assert await house.stored() == places(FILE_A, lines=310)
        assert house.store.events_when_flushed
        assert set(house.store.events_when_flushed) <= {5, 305, 310}

    async def test_stop_writes_and_flushes_what_was_read(self, house: House) -> None:
        await house.log.append([numbered(0, 10)])
        async with house.running() as consumer:
            await consumer.drain()
            await house.log.append([numbered(10, 20)])
        assert await house.store.position() in {1, 2}
        assert len(await house.stored()) == 10 * await house.store.position()

    async def test_events_are_published_once_they_can_be_found(self, house: House) -> None:
        with house.live.subscribe() as tail:
            async with house.running() as consumer:
                await house.log.append([numbered(0, 30)])
                got: list[Event] = []
                while len(got) < 30:
                    got += await tail.next(10)
                    assert await house.store.count(ALL) >= len(got)
                await consumer.drain()
        assert [event.offset for event in got] == [16 * n for n in range(30)]


class TestFailures:
    @pytest.mark.parametrize("seed", range(6))
    async def test_nothing_is_lost_or_doubled_while_the_store_fails_now_and_then(self, house: House, seed: int) -> None:
        rng = random.Random(seed)
        house.store.fails = lambda _operation: rng.random() < 0.3
        with house.live.subscribe() as tail:
            async with house.running() as consumer:
                for first in range(0, 400, 10):
                    await house.log.append([numbered(first, first + 10)])
                await drained(consumer)
                assert await house.stored() == places(FILE_A, lines=400)
            published = [event.offset for event in await tail.next(1)]
        assert sorted(published) == [16 * n for n in range(400)]
        assert house.metrics.counts["clew_consumer_retries", ()] > 0

    async def test_a_store_that_stays_down_is_a_problem_that_can_be_seen(self, house: House) -> None:
        house.store.fails = lambda operation: operation == "flush"
        await house.log.append([numbered(0, 3)])
        async with house.running() as consumer:
            with pytest.raises(StoreError, match="flush failed"):
                await consumer.drain()
            assert consumer.problem is not None
            assert "flush failed" in consumer.problem
            house.store.fails = lambda _operation: False
            await drained(consumer)
            assert consumer.problem is None
        assert await house.stored() == places(FILE_A, lines=3)

    async def test_a_damaged_record_stops_it_there_and_is_named(self, house: House) -> None:
        house.log.damaged = 3
        await house.log.append([numbered(i, i + 1) for i in range(5)])
        async with house.running() as consumer:
            with pytest.raises(LogError, match="position 3"):
                await consumer.drain()
            assert await house.stored() == places(FILE_A, lines=2)
            assert "position 3" in (consumer.problem or "")

    async def test_a_defect_of_a_rule_is_a_problem_and_not_the_end(self, house: House) -> None:
        class Broken(PlainNormaliser):
            broken = True

            def events(self, chunk: object) -> list[Event]:
                if self.broken:
                    raise ZeroDivisionError("a defect")
                return super().events(chunk)  # type: ignore[arg-type]

        broken = Broken()
        consumer = Consumer(
            log=house.log,
            store=house.store,
            normaliser=broken,
            desk=house.desk,
            live=house.live,
            metrics=house.metrics,
            limits=LIMITS,
        )
        house.consumer = consumer
        await house.log.append([numbered(0, 3)])
        async with house.running():
            with pytest.raises(ZeroDivisionError):
                await consumer.drain()
            broken.broken = False
            await drained(consumer)
        assert await house.stored() == places(FILE_A, lines=3)

    async def test_drain_of_one_that_does_not_run_says_so(self, house: House) -> None:
        async with house.running():
            pass
        await house.log.append([numbered(0, 1)])
        with pytest.raises(LogError, match="stopped at 0"):
            await house.consumer.drain()


class TestRetryWait:
    def test_doubles_up_to_the_limit(self) -> None:
        assert [retry_wait_s(n, LIMITS) for n in (1, 2, 3, 4, 5, 99, 10**6)] == [
            0.001, 0.002, 0.004, 0.008, 0.01, 0.01, 0.01,
        ]  # fmt: skip
