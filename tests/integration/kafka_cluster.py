"""A topic, a store, and as many collectors as a test asks for, on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from deploy.engines import Kafka
from tests.kafka_topics import admin, new_prefix
from tests.plain_normaliser import PlainNormaliser
from tests.recorded import RecordedMetrics

from clew_agent.wire import Chunk
from clew_collector.consumer import Consumer, ConsumerLimits
from clew_collector.dead_letters import DeadLetters, Desk, MemoryDeadLetters, ShareLimit
from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.flush import FlushPolicy
from clew_collector.live import Broadcast
from clew_collector.log.kafka.log import KafkaLog
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.store.expression import ALL
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, Verdict

__all__ = ["LIMITS", "Cluster", "SharedStore", "View"]

LIMITS = ConsumerLimits(
    flush=FlushPolicy(interval_s=0.05, interval_busy_s=0.2, events_max=5000, bytes_max=8 << 20),
    busy_lag_bytes=1 << 20,
    batch_bytes_max=64 << 10,
    batch_lines_max=1000,
    retry_wait_s_min=0.05,
    retry_wait_s_max=0.5,
)


class SharedStore(MemoryStore):
    """One store of many collectors, as Elasticsearch is: durable when written, it keeps no position."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.rejected: set[str] = set()
        self.refuses: Callable[[Event], bool] | None = None
        self.slow_s = 0.0
        self.created: list[str] = []

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        await asyncio.sleep(self.slow_s)
        if self.down:
            raise StoreError("the store is away")
        verdicts = []
        for event in (item.event for item in items):
            if event.event_id in self.rejected or (self.refuses is not None and self.refuses(event)):
                verdicts.append(Verdict.REJECTED)
            elif event.event_id in self._events:
                verdicts.append(Verdict.DUPLICATE)
            else:
                self._events[event.event_id] = event
                self.created.append(event.event_id)
                verdicts.append(Verdict.CREATED)
        return verdicts


class View(MemoryStore):
    """One collector's way to the shared store: its position is this collector's own."""

    def __init__(self, shared: SharedStore) -> None:
        super().__init__()
        self.shared = shared
        self.way = asyncio.Event()
        self.way.set()

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        await self.way.wait()
        verdicts = await self.shared.write(items)
        self._written_position = max(self._written_position, *(item.position for item in items))
        return verdicts


class Cluster:
    """A topic, a store, and as many collectors as are asked for."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.prefix = new_prefix()
        self.store = SharedStore()
        self.letters: DeadLetters = MemoryDeadLetters()
        self.metrics = RecordedMetrics()
        self.running = AsyncExitStack()

    def settings(self, **others: object) -> KafkaLogSettings:
        return KafkaLogSettings.model_validate(
            {
                "server": f"kafka://{self.kafka.bootstrap}/{self.prefix}",
                "group": self.prefix,
                "partitions": 4,
                "session_timeout_s": 6,
                "timeout_s": 10,
                **others,
            }
        )

    @property
    def topic(self) -> str:
        return self.settings().address.topics.events

    @asynccontextmanager
    async def collector(
        self, *, share_max: float = 1.0, view: View | None = None, **settings: object
    ) -> AsyncIterator[tuple[KafkaLog, Consumer]]:
        desk = Desk(self.letters, ShareLimit(share_max, free=0), self.metrics)
        log = KafkaLog(self.settings(**settings), client_id="test", bury=desk.record)
        consumer = Consumer(
            log=log,
            store=view or View(self.store),
            normaliser=PlainNormaliser(),
            desk=desk,
            live=Broadcast(self.metrics, events_max=10, subscriptions_max=1),
            metrics=self.metrics,
            limits=LIMITS,
        )
        task = asyncio.create_task(consumer.run())
        try:
            yield log, consumer
        finally:
            consumer.stop()
            await task
            await log.close()

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[KafkaLog]:
        log = KafkaLog(self.settings(), client_id="writer", bury=self._never)
        try:
            yield log
        finally:
            await log.close()

    async def _never(self, *_of: object) -> None:
        raise AssertionError("nobody reads here")

    async def put(self, *chunks: Chunk) -> None:
        async with self.writer() as log:
            await log.append(chunks)

    async def has(self, events: int) -> bool:
        return await self.store.count(ALL) >= events

    async def committed(self) -> dict[TopicPartition, int]:
        """Return what the group has committed."""
        async with admin(self.kafka.bootstrap) as client:
            found = await client.list_consumer_group_offsets(self.prefix)
        return {partition: at.offset for partition, at in found.items()}

    async def ends(self) -> dict[TopicPartition, int]:
        """Return where each partition ends that has anything."""
        settings = self.settings()
        topics = [settings.address.topics.events, *(foreign.topic for foreign in settings.foreign_topics)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap)
        await consumer.start()
        try:
            cluster = await consumer._client.fetch_all_metadata()
            partitions = [TopicPartition(topic, p) for topic in topics for p in cluster.partitions_for_topic(topic)]
            return {partition: end for partition, end in (await consumer.end_offsets(partitions)).items() if end}
        finally:
            await consumer.stop()

    async def all_committed(self) -> bool:
        return await self.committed() == await self.ends()
