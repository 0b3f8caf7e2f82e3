"""Topics of a test's own on a real Kafka: made, read to their end, changed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tests.waiting import until

__all__ = ["add_partitions", "admin", "configure", "create", "in_thread", "new_prefix", "read_all"]

T = TypeVar("T")


def new_prefix() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop of its own and wait: for fixtures and helpers that are not async."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, work).result()


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(bootstrap: str, partitions: dict[str, int], *, replicas: int = 1, **configs: str) -> None:
    """Make topics, with so many partitions each, and wait until brokers answer for them."""
    named = {name.replace("_", "."): value for name, value in configs.items()}
    async with admin(bootstrap) as client:
        await client.create_topics(
            [NewTopic(name, count, replicas, topic_configs=named) for name, count in partitions.items()]
        )

        async def there() -> bool:
            return not any(topic["error_code"] for topic in await client.describe_topics([*partitions]))

        await until(there)


async def configure(bootstrap: str, topic: str, **configs: str) -> None:
    """Set a topic's configuration, of which nothing else stays."""
    named = {name.replace("_", "."): value for name, value in configs.items()}
    async with admin(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=named)])


async def add_partitions(bootstrap: str, topic: str, total: int) -> None:
    async with admin(bootstrap) as client:
        await client.create_partitions({topic: NewPartitions(total)})


async def read_all(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Return every record that the topic has now, partition by partition."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:

        async def assigned() -> bool:
            return bool(consumer.assignment())

        await until(assigned)
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        records: dict[TopicPartition, list[ConsumerRecord]] = {partition: [] for partition in partitions}
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for partition, some in (await consumer.getmany(timeout_ms=200)).items():
                records[partition] += some
        return [record for partition in partitions for record in records[partition]]
    finally:
        await consumer.stop()
