"""What the topics hold of a span of time, read once and outside any group: it disturbs no collector."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from clew_agent.kafka.connection import connection_options
from clew_agent.kafka.failures import explain
from clew_collector.errors import LogError
from clew_collector.log.foreign import Headers
from clew_collector.log.protocol import Place, Record, decoded_bytes

from .messages import NS_PER_MS, MessageReader
from .settings import KafkaLogSettings
from .whole import partitions_of

__all__ = ["KafkaSpan"]

POLL_MS = 500

_log = structlog.get_logger()


class KafkaSpan:
    """From the first record written at or after a time, to the first at or after another; what comes later is not read.

    The times are those that the records have in Kafka.
    """

    def __init__(
        self,
        settings: KafkaLogSettings,
        consumer: AIOKafkaConsumer,
        bury: Callable[[Place, bytes, Headers, str], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._bury = bury
        self._messages = MessageReader(settings)
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._fetched: deque[ConsumerRecord] = deque()
        self.records = 0
        """Read so far; also the last position."""
        self.records_total = 0
        """In the span, at most: a topic may have gaps."""

    @classmethod
    async def open(
        cls,
        settings: KafkaLogSettings,
        *,
        client_id: str,
        bury: Callable[[Place, bytes, Headers, str], Awaitable[None]],
        since_ns: int = 0,
        until_ns: int | None = None,
    ) -> Self:
        """Find where the span begins and ends. LogError if that cannot be."""
        consumer = AIOKafkaConsumer(
            **connection_options(settings.address, settings, client_id=client_id),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_bytes=settings.fetch_bytes_max,
            max_partition_fetch_bytes=settings.fetch_bytes_max,
            request_timeout_ms=int(settings.timeout_s * 1000),
        )
        span = cls(settings, consumer, bury)
        try:
            async with asyncio.timeout(settings.timeout_s):
                await consumer.start()
                await span._find(since_ns, until_ns)
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            await consumer.stop()
            raise span._failure(error) from error
        return span

    async def _find(self, since_ns: int, until_ns: int | None) -> None:
        partitions = await self._partitions()
        self._consumer.assign(partitions)
        ends = await self._consumer.end_offsets(partitions)
        first = await self._at(partitions, since_ns, ends)
        self._ends = ends if until_ns is None else await self._at(partitions, until_ns, ends)
        self._next = {partition: first[partition] for partition in partitions}
        self.records_total = sum(max(0, self._ends[partition] - first[partition]) for partition in partitions)
        for partition, offset in self._next.items():
            self._consumer.seek(partition, offset)
            if offset >= self._ends[partition]:
                self._consumer.pause(partition)

    async def _partitions(self) -> list[TopicPartition]:
        """Return those of all topics that are there; a topic of others may be still to come, ours may not."""
        ours, *foreign = self._settings.topics_read
        partitions = await partitions_of(self._consumer, ours)
        for topic in foreign:
            try:
                partitions += await partitions_of(self._consumer, topic)
            except UnknownTopicOrPartitionError:
                _log.warning("A topic of others does not exist: there is nothing to read again.", topic=topic)
        return partitions

    async def _at(
        self, partitions: list[TopicPartition], time_ns: int, ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Return the offset of each partition's first record at or after the time; its end where there is none."""
        # Rounded up: a record of this millisecond may have been written before the time.
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, -(-time_ns // NS_PER_MS)))
        return {partition: at.offset if (at := found[partition]) else ends[partition] for partition in partitions}

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """Return what follows, as `Log.read` does; an empty list at the span's end only, so `wait_s` means nothing.

        There is no going back: `after` is the last position that was returned.
        """
        del after, wait_s
        records: list[Record] = []
        try:
            while not records and (self._fetched or not self._is_done):
                if not self._fetched:
                    await self._fetch()
                records = await self._decode(bytes_max)
        except (KafkaError, OSError) as error:
            raise self._failure(error) from error
        return records

    @property
    def _is_done(self) -> bool:
        return all(offset >= self._ends[partition] for partition, offset in self._next.items())

    async def _fetch(self) -> None:
        found = await self._consumer.getmany(timeout_ms=POLL_MS)
        for partition, messages in found.items():
            self._fetched.extend(message for message in messages if message.offset < self._ends[partition])
        for partition, end in self._ends.items():
            # Where a topic was compacted the end is no record, so what counts is how far it was looked.
            self._next[partition] = await self._consumer.position(partition)
            if self._next[partition] >= end:
                self._consumer.pause(partition)

    async def _decode(self, bytes_max: int) -> list[Record]:
        records: list[Record] = []
        size = 0
        while self._fetched and size < bytes_max:
            run = self._messages.run_of(self._fetched, bytes_max=bytes_max - size)
            for message, content in zip(run, await asyncio.to_thread(self._messages.read, run), strict=True):
                taken = decoded_bytes(content.chunk) if content.chunk is not None else 0
                if taken and records and size + taken > bytes_max:
                    return records
                if content.poison:
                    await self._bury(content.place, content.value, content.headers, content.poison)
                self._fetched.popleft()
                self.records += 1
                size += taken
                if content.chunk is not None:
                    appended_ns = message.timestamp * NS_PER_MS
                    records.append(Record(self.records, appended_ns, content.chunk, len(content.value), content.place))
        return records

    async def close(self) -> None:
        """Free connections."""
        await self._consumer.stop()

    def _failure(self, error: BaseException) -> LogError:
        said = explain(error, self._settings.address, topics=self._settings.topics_read)
        return LogError(said.message, hint=said.hint)
