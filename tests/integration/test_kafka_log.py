"""Kafka as the log of real consumers: shared, given up, taken over, poisoned; committed, and never too early."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaProducer
from deploy.engines import Kafka
from tests.chunks import FILE_A, FILE_B, numbered
from tests.integration.kafka_cluster import Cluster
from tests.kafka_topics import admin, create
from tests.plain_normaliser import PlainNormaliser
from tests.waiting import until

from clew_collector.dead_letters import Content
from clew_collector.errors import LogError
from clew_collector.log.kafka.log import KafkaLog
from clew_collector.log.kafka.settings import KafkaLogSettings

pytestmark = pytest.mark.kafka


@pytest.fixture
async def cluster(kafka: Kafka) -> Cluster:
    cluster = Cluster(kafka)
    topics = cluster.settings().address.topics
    await create(kafka.bootstrap, {topics.events: 4, topics.agents: 1, topics.dead_letters: 1})
    return cluster


async def test_what_is_in_kafka_comes_into_the_store_once_and_is_committed(cluster: Cluster) -> None:
    await cluster.put(numbered(0, 3000), numbered(0, 500, file=FILE_B))
    async with cluster.collector() as (log, consumer):
        await until(lambda: cluster.has(3500))
        await until(cluster.all_committed)
        await consumer.drain()
        assert await log.lag_bytes(consumer.position) == 0
    assert sorted(cluster.store.created) == sorted({event.event_id for event in cluster.store._events.values()})
    assert len(cluster.store.created) == 3500


async def test_a_collector_started_again_reads_on_where_the_group_is(cluster: Cluster) -> None:
    await cluster.put(numbered(0, 100))
    async with cluster.collector():
        await until(cluster.all_committed)
    await cluster.put(numbered(100, 150))
    async with cluster.collector():
        await until(lambda: cluster.has(150))
        await until(cluster.all_committed)
    assert cluster.metrics.counts["clew_consumer_events", (("verdict", "duplicate"),)] == 0


async def test_nothing_is_committed_while_the_store_is_away(cluster: Cluster) -> None:
    cluster.store.down = True
    await cluster.put(numbered(0, 200))
    async with cluster.collector() as (_log, consumer):

        async def failed() -> bool:
            return consumer.problem is not None and "away" in consumer.problem

        await until(failed)
        assert await cluster.committed() == {}
        cluster.store.down = False
        await until(lambda: cluster.has(200))
        await until(cluster.all_committed)
        assert consumer.problem is None
    assert len(cluster.store.created) == 200


async def test_a_collector_that_was_killed_loses_and_doubles_nothing(cluster: Cluster) -> None:
    """Everything was written and nothing committed: the next one writes it again, and finds it there."""
    await cluster.put(numbered(0, 400))
    async with AsyncExitStack() as stack:
        log, _ = await stack.enter_async_context(cluster.collector())

        async def forgotten(_position: int) -> None:
            """As if it had been killed before."""

        log.stored = forgotten  # type: ignore[method-assign]
        await until(lambda: cluster.has(400))
    assert await cluster.committed() == {}
    async with cluster.collector():
        await until(cluster.all_committed)
    assert len(cluster.store.created) == 400


async def test_a_second_collector_shares_the_work_and_may_leave(cluster: Cluster) -> None:
    cluster.store.slow_s = 0.02
    sent = 0
    async with cluster.collector() as (first, _consumer):
        for turn in range(3):
            await cluster.put(numbered(sent, sent + 2000))
            sent += 2000
            async with cluster.collector() as (second, _other):

                async def shared(one: KafkaLog = first, other: KafkaLog = second) -> bool:
                    return len(one.partitions) == len(other.partitions) == 2

                await until(shared)
                await cluster.put(numbered(sent, sent + 2000))
                sent += 2000
                if turn == 2:
                    await until(lambda: cluster.has(12_000))
        await until(lambda: cluster.has(sent))
        await until(cluster.all_committed)
    assert len(cluster.store.created) == sent
    assert len(set(cluster.store.created)) == sent


async def test_a_member_with_a_lasting_name_gets_its_partitions_back(cluster: Cluster) -> None:
    async with cluster.collector(member="one") as (first, _):
        async with cluster.collector(member="two") as (second, _):

            async def shared() -> bool:
                return len(first.partitions) == len(second.partitions) == 2

            await until(shared)
            before = second.partitions
        async with cluster.collector(member="two") as (again, _):
            await until(_true_of(lambda: bool(again.partitions)))
            assert again.partitions == before
            assert len(first.partitions) == 2


def _true_of(condition: Callable[[], bool]) -> Callable[[], object]:
    async def ask() -> bool:
        return condition()

    return ask


async def test_poison_is_buried_and_what_is_behind_it_is_read(cluster: Cluster) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap)
    await producer.start()
    await cluster.put(numbered(0, 50))
    for value in (b"no chunk at all", b"CLW1half", None):
        key = b"k" if value is None else None
        await producer.send_and_wait(cluster.topic, value, key=key, partition=1, headers=[("h", b"v")])
    await producer.stop()
    await cluster.put(numbered(50, 100))
    async with cluster.collector():
        await until(lambda: cluster.has(100))
        await until(cluster.all_committed)
    letters = await cluster.letters.letters()
    assert [(one.content, one.payload) for one in letters] == [
        (Content.RECORD, b"no chunk at all"),
        (Content.RECORD, b"CLW1half"),
        (Content.RECORD, b""),
    ]
    assert all(one.topic == cluster.topic and one.partition == 1 and one.reason for one in letters)


async def test_a_topic_of_nothing_but_poison_is_passed_over_once(cluster: Cluster) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap)
    await producer.start()
    for _ in range(5):
        await producer.send_and_wait(cluster.topic, b"poison", partition=0)
    await producer.stop()
    async with cluster.collector():
        await until(cluster.all_committed)
    assert [one.count for one in await cluster.letters.letters()] == [1] * 5


async def test_rejected_events_are_buried_before_they_are_committed(cluster: Cluster) -> None:
    events = PlainNormaliser().events(numbered(0, 100))
    cluster.store.rejected = {events[i].event_id for i in (3, 50)}
    await cluster.put(numbered(0, 100))
    async with cluster.collector():
        await until(cluster.all_committed)
    letters = await cluster.letters.letters()
    assert {one.id for one in letters} == cluster.store.rejected
    assert len(cluster.store.created) == 98


async def test_too_many_rejected_events_stop_it_and_nothing_is_given_up(cluster: Cluster) -> None:
    events = PlainNormaliser().events(numbered(0, 100))
    cluster.store.rejected = {event.event_id for event in events}
    await cluster.put(numbered(0, 100))
    async with cluster.collector(share_max=0.1) as (_log, consumer):
        await until(_true_of(lambda: "too many" in (consumer.problem or "")))
        assert await cluster.letters.letters() == []
        assert await cluster.committed() == {}
        cluster.store.rejected = set()
        await until(cluster.all_committed)
    assert len(cluster.store.created) == 100


async def test_missing_topics_are_made_where_that_is_allowed(kafka: Kafka) -> None:
    cluster = Cluster(kafka)
    async with cluster.collector(partitions=4):
        await until(lambda: _there(cluster))
    async with admin(kafka.bootstrap) as client:
        [described] = await client.describe_topics([cluster.topic])
    assert len(described["partitions"]) == 4


async def _there(cluster: Cluster) -> bool:
    names = cluster.settings().address.topics
    async with admin(cluster.kafka.bootstrap) as client:
        topics = await client.list_topics()
    return {names.events, names.agents, names.dead_letters} <= set(topics)


async def test_missing_topics_are_named_where_they_may_not_be_made(kafka: Kafka) -> None:
    cluster = Cluster(kafka)
    log = KafkaLog(cluster.settings(create_topics=False), client_id="test", bury=cluster._never)
    with pytest.raises(LogError, match="topics are missing") as raised:
        await log.read(0, bytes_max=1000, wait_s=0.1)
    assert "create_topics" in raised.value.hint
    await log.close()


async def test_nobody_there_is_a_problem_with_a_hint() -> None:
    settings = KafkaLogSettings(server="kafka://127.0.0.1:9", timeout_s=2)
    log = KafkaLog(settings, client_id="test", bury=Cluster._never)  # type: ignore[arg-type]
    with pytest.raises(LogError, match=r"127\.0\.0\.1:9") as raised:
        await log.read(0, bytes_max=1000, wait_s=0.1)
    assert "brokers run" in raised.value.hint
    await log.close()


async def test_what_is_decoded_at_once_is_bounded(cluster: Cluster) -> None:
    await cluster.put(*(numbered(1000 * i, 1000 * i + 1000) for i in range(4)), numbered(0, 10, file=FILE_A[::-1]))
    async with cluster.writer() as log:
        position, lines = 0, 0
        while lines < 4010:
            records = await log.read(position, bytes_max=20_000, wait_s=1)
            assert len(records) <= 2
            lines += sum(record.chunk.count for record in records)
            position = records[-1].position if records else position
