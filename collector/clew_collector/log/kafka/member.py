"""One collector as a member of the group: which partitions it has, and what happens when they change hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from clew_agent.kafka.connection import connection_options

from .settings import KafkaLogSettings

__all__ = ["Member"]

# The library would take the partitions of a collector that waits for its store. Ours may wait for days: what tells a
# collector that is dead from one that waits is the group's own heartbeat, in the background.
POLL_INTERVAL_S_MAX = 7 * 86_400
METADATA_MAX_AGE_S = 30.0

_log = structlog.get_logger()


class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """A consumer in the group. `revoked` is told of partitions that others get; they are ours until it returns."""

    def __init__(
        self,
        settings: KafkaLogSettings,
        topics: Sequence[str],
        *,
        client_id: str,
        revoked: Callable[[Collection[TopicPartition]], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._revoked = revoked
        self.consumer = AIOKafkaConsumer(
            **connection_options(settings.address, settings, client_id=client_id),
            group_id=settings.group,
            group_instance_id=settings.member or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_bytes=settings.fetch_bytes_max,
            max_partition_fetch_bytes=settings.fetch_bytes_max,
            request_timeout_ms=int(settings.timeout_s * 1000),
            metadata_max_age_ms=int(METADATA_MAX_AGE_S * 1000),
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.session_timeout_s * 1000 / 3),
            max_poll_interval_ms=POLL_INTERVAL_S_MAX * 1000,
        )

    async def start(self) -> None:
        """Join the group. KafkaError or OSError if that cannot be; then nothing stays open."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self.consumer.start()
                self.consumer.subscribe(self._topics, listener=self)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the group, unless this member has a lasting name: then its partitions wait for it."""
        await self.consumer.stop()

    @property
    def partitions(self) -> set[TopicPartition]:
        """What it has now."""
        return set(self.consumer.assignment())

    @property
    def has_failed(self) -> bool:
        """Whether the library has given up to take part in the group: then only a new member helps."""
        coordinator = self.consumer._coordinator
        return coordinator is not None and coordinator._coordination_task.done()

    async def commit(self, offsets: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Commit what is ours of these; return what was committed."""
        ours = {partition: offset for partition, offset in offsets.items() if partition in self.partitions}
        try:
            if ours:
                await self.consumer.commit(ours)
        except (CommitFailedError, IllegalStateError) as error:
            # Whoever has the partitions now reads this again, and meets the same event ids.
            _log.info("Offsets could not be committed: the group was shared out anew.", reason=str(error))
            return {}
        return ours

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let go of partitions. Offsets can be committed meanwhile, and the group's heartbeat goes on."""
        if revoked:
            _log.info("Partitions are given up.", partitions=_named(revoked))
            await self._revoked(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take partitions up where the group left them, and tell if Kafka has dropped what comes next."""
        if not assigned:
            return
        _log.info("Partitions are taken up.", partitions=_named(assigned))
        begin: dict[TopicPartition, int] = await self.consumer.beginning_offsets(list(assigned))
        for partition in assigned:
            committed = await self.consumer.committed(partition)
            if committed is not None and committed < begin[partition]:
                _log.error(
                    "Kafka dropped records before they were read: keep them longer.",
                    topic=partition.topic, partition=partition.partition, records=begin[partition] - committed,
                )  # fmt: skip


def _named(partitions: Collection[Any]) -> list[str]:
    return sorted(f"{partition.topic}/{partition.partition}" for partition in partitions)


Records = dict[TopicPartition, list[ConsumerRecord]]
