"""Reading a topic once, from its beginning to where it ends now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from clew_agent.kafka.connection import connection_options
from clew_agent.kafka.failures import explain
from clew_collector.errors import LogError

from .settings import KafkaLogSettings

__all__ = ["assign_all", "partitions_of", "read_whole"]

POLL_MS = 500


async def read_whole(settings: KafkaLogSettings, topic: str, *, client_id: str) -> AsyncIterator[ConsumerRecord]:
    """Yield every record that the topic has now, each partition's in order. LogError if it cannot be read."""
    consumer = AIOKafkaConsumer(
        **connection_options(settings.address, settings, client_id=client_id),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=settings.fetch_bytes_max,
        request_timeout_ms=int(settings.timeout_s * 1000),
    )
    try:
        async with asyncio.timeout(settings.timeout_s):
            await consumer.start()
            partitions = await assign_all(consumer, topic)
            ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, ()):
                    if record.offset < ends[partition]:
                        yield record
    except (KafkaError, OSError) as error:  # TimeoutError is an OSError
        said = explain(error, settings.address, topics=[topic])
        raise LogError(said.message, hint=said.hint) from error
    finally:
        await consumer.stop()


async def assign_all(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Take all partitions of a topic, outside any group. UnknownTopicOrPartitionError if it is not there."""
    partitions = await partitions_of(consumer, topic)
    consumer.assign(partitions)
    return partitions


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Return a topic's partitions. UnknownTopicOrPartitionError if it is not there."""
    # Asked for this way the library knows the topic before it is assigned.
    found = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
    if not found:
        raise UnknownTopicOrPartitionError
    return [TopicPartition(topic, number) for number in sorted(found)]
