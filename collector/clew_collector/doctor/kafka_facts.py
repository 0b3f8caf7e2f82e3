"""What is the case in a Kafka: asked for, not judged. Imports Kafka's client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from clew_agent.kafka.connection import connection_options
from clew_agent.kafka.failures import explain
from clew_agent.kafka.murmurs import Murmurs
from clew_collector.log.kafka.settings import KafkaLogSettings

__all__ = ["GroupFacts", "KafkaFacts", "TopicFacts", "gather_kafka"]

AGAIN_WAIT_S = 0.2
MIN_INSYNC = "min.insync.replicas"
CLIENT_ID = "clew-doctor"


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """A topic. Of replicas the partition counts that has the fewest."""

    name: str
    ours: bool = True
    exists: bool = True
    partitions: int = 0
    replicas: int = 0
    in_sync: int = 0
    min_in_sync: int = 1
    leaderless: int = 0
    """Partitions that nobody leads: they can be neither written nor read."""


@dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """The group of collectors."""

    members: int = 0
    lag_records: int = 0
    """Written and not yet committed, in all topics that it reads."""
    dropped_records: int = 0
    """Removed by Kafka before they were committed."""


@dataclass(frozen=True, kw_only=True)
class KafkaFacts:
    """What a cluster says of itself; `unreachable` when it says nothing, and then the rest says nothing either."""

    unreachable: str = ""
    unreachable_hint: str = ""
    brokers: int = 0
    topics: tuple[TopicFacts, ...] = ()
    group: GroupFacts = GroupFacts()


async def gather_kafka(settings: KafkaLogSettings) -> KafkaFacts:
    """Return the facts. Never raises what an operator should read here: then the cluster is unreachable, and why."""
    murmurs, began = Murmurs.listen(), time.monotonic()
    options = connection_options(settings.address, settings, client_id=CLIENT_ID)
    request_timeout_ms = int(settings.timeout_s * 1000)
    trouble: KafkaError | None = None
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=request_timeout_ms)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, request_timeout_ms=request_timeout_ms)
    try:
        async with asyncio.timeout(settings.timeout_s):
            await admin.start()
            await consumer.start()
            while True:
                try:
                    return await _gather(admin, consumer, settings)
                except KafkaError as error:
                    # A broker that has just gone is among those asked until the others have noticed.
                    if not error.retriable:
                        raise
                    trouble = error
                await asyncio.sleep(AGAIN_WAIT_S)
    except (KafkaError, OSError) as error:  # TimeoutError is an OSError
        said = explain(trouble or error, settings.address, murmur=murmurs.since(began), topics=settings.topics_read)
        return KafkaFacts(unreachable=said.message, unreachable_hint=said.hint)
    finally:
        await consumer.stop()
        await admin.close()


async def _gather(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, settings: KafkaLogSettings) -> KafkaFacts:
    names = settings.address.topics
    ours = [names.events, names.agents, names.dead_letters]
    foreign = [one.topic for one in settings.foreign_topics]
    described = {topic["topic"]: topic for topic in await admin.describe_topics([*ours, *foreign])}
    there = [name for name in described if not described[name]["error_code"]]
    min_in_sync = await _min_in_sync(admin, there)
    topics = tuple(
        _topic(name, described[name], min_in_sync.get(name, 1), ours=name in ours) for name in (*ours, *foreign)
    )
    read = [topic for topic in topics if topic.exists and topic.name in {names.events, *foreign}]
    partitions = [TopicPartition(topic.name, number) for topic in read for number in range(topic.partitions)]
    return KafkaFacts(
        brokers=len((await admin.describe_cluster())["brokers"]),
        topics=topics,
        # Of a partition without a leader nobody can say how long it is.
        group=GroupFacts()
        if any(topic.leaderless for topic in read)
        else await _group(admin, consumer, settings.group, partitions),
    )


def _topic(name: str, described: dict[str, Any], min_in_sync: int, *, ours: bool) -> TopicFacts:
    partitions: list[dict[str, Any]] = described["partitions"]
    if not partitions:
        return TopicFacts(name=name, ours=ours, exists=False)
    return TopicFacts(
        name=name,
        ours=ours,
        partitions=len(partitions),
        replicas=min(len(one["replicas"]) for one in partitions),
        in_sync=min(len(one["isr"]) for one in partitions),
        min_in_sync=min_in_sync,
        leaderless=sum(one["leader"] < 0 for one in partitions),
    )


async def _min_in_sync(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, int]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, {MIN_INSYNC: None}) for name in topics]
    found = {}
    for answer in await admin.describe_configs(wanted) if wanted else ():
        for resource in answer.resources:
            code, _, _, name, entries = resource[:5]
            if not code:
                found[name] = next((int(entry[1]) for entry in entries if entry[0] == MIN_INSYNC), 1)
    return found


async def _group(
    admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, group: str, partitions: Sequence[TopicPartition]
) -> GroupFacts:
    try:
        committed = {partition: at.offset for partition, at in (await admin.list_consumer_group_offsets(group)).items()}
        [answer] = await admin.describe_consumer_groups([group])
        members = len(answer.groups[0][5])
    except GroupCoordinatorNotAvailableError:
        committed, members = {}, 0  # no group has ever been on this cluster
    begin, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return GroupFacts(
        members=members,
        lag_records=sum(end[one] - max(begin[one], committed.get(one, 0)) for one in partitions),
        dropped_records=sum(max(0, begin[one] - committed[one]) for one in partitions if one in committed),
    )
