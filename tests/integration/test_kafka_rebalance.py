"""Partitions that change hands on a real Kafka: what is in hand is finished or dropped, and never committed late."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from aiokafka import TopicPartition
from deploy.engines import Kafka
from tests.chunks import numbered
from tests.integration.kafka_cluster import Cluster, View
from tests.kafka_topics import create
from tests.waiting import until

from clew_collector.log.kafka.log import KafkaLog

pytestmark = pytest.mark.kafka
DUPLICATES = ("clew_consumer_events", (("verdict", "duplicate"),))


@pytest.fixture
async def cluster(kafka: Kafka) -> Cluster:
    cluster = Cluster(kafka)
    topics = cluster.settings().address.topics
    await create(kafka.bootstrap, {topics.events: 4, topics.agents: 1, topics.dead_letters: 1})
    return cluster


class Commits:
    """Every commit that a log asks for, beside the partitions that it had then."""

    def __init__(self, log: KafkaLog) -> None:
        assert log._member is not None
        self.seen: list[tuple[dict[TopicPartition, int], set[TopicPartition]]] = []
        consumer = log._member.consumer
        commit = consumer.commit

        async def seen(offsets: dict[TopicPartition, int]) -> Any:
            self.seen.append((dict(offsets), set(log.partitions)))
            return await commit(offsets)

        consumer.commit = seen

    @property
    def all_of_our_own(self) -> bool:
        return all(offsets.keys() <= ours for offsets, ours in self.seen)


async def shared(*logs: KafkaLog) -> None:
    """Wait until each has as many partitions as the others."""

    async def even() -> bool:
        return all(len(log.partitions) == 4 // len(logs) for log in logs)

    await until(even)


def together(*logs: KafkaLog) -> Collection[TopicPartition]:
    return set[TopicPartition]().union(*(log.partitions for log in logs))


async def put_many(cluster: Cluster, first: int, last: int) -> None:
    await cluster.put(*(numbered(n, n + 100) for n in range(first, last, 100)))


async def test_what_is_in_hand_is_stored_and_committed_before_others_get_it(cluster: Cluster) -> None:
    """Others join and leave while the store is slow, and no line is written a second time."""
    cluster.store.slow_s = 0.4
    sent = 0
    async with cluster.collector() as (first, _):
        for _turn in range(2):
            await put_many(cluster, sent, sent + 6000)
            async with cluster.collector() as (second, _):
                await shared(first, second)
                assert len(together(first, second)) == 4
                await put_many(cluster, sent + 6000, sent + 8000)
            sent += 8000
            await shared(first)
        await until(cluster.all_committed)
    assert len(cluster.store.created) == len(set(cluster.store.created)) == sent
    assert cluster.metrics.counts[DUPLICATES] == 0


async def test_a_collector_that_cannot_finish_gives_up_in_time_and_commits_nothing_of_it_later(
    cluster: Cluster,
) -> None:
    stuck = View(cluster.store)
    await put_many(cluster, 0, 2000)
    async with cluster.collector(view=stuck, hand_over_s_max=1.0) as (first, consumer):
        stuck.way.clear()
        await shared(first)
        commits = Commits(first)
        await until(lambda: first.lag_bytes(consumer.position))
        async with cluster.collector() as (second, _):
            await shared(first, second)
            theirs = second.partitions

            async def all_of_theirs() -> bool:
                ends = await cluster.ends()
                return (await cluster.committed()).items() >= {p: ends[p] for p in theirs}.items()

            await until(all_of_theirs)
            before = await cluster.committed()
            assert before.keys() <= theirs
            stuck.way.set()
            await until(cluster.all_committed)
            # What it had in hand went into the store beside the other's, which knew it already.
            assert cluster.metrics.counts[DUPLICATES] > 0
            assert {p: offset for p, offset in (await cluster.committed()).items() if p in theirs} == before
    assert commits.seen
    assert commits.all_of_our_own
    assert len(cluster.store.created) == len(set(cluster.store.created)) == 2000


async def test_a_member_that_the_library_gave_up_is_replaced(cluster: Cluster) -> None:
    async with cluster.collector() as (log, _):
        await cluster.put(numbered(0, 100))
        await until(lambda: cluster.has(100))
        assert log._member is not None
        failed = log._member.consumer

        async def fail() -> None:
            raise RuntimeError("as a defect of the library would")

        failed._coordinator.ensure_coordinator_known = fail
        failed._coordinator.request_rejoin()
        await cluster.put(numbered(100, 200))
        await until(lambda: cluster.has(200))
        await until(cluster.all_committed)
        assert log._member.consumer is not failed
    assert len(cluster.store.created) == len(set(cluster.store.created)) == 200


async def test_a_collector_that_is_alone_reads_on_after_a_rebalance(cluster: Cluster) -> None:
    async with cluster.collector() as (first, _):
        await cluster.put(numbered(0, 500))
        async with cluster.collector() as (second, _):
            await shared(first, second)
        await shared(first)
        await cluster.put(numbered(500, 1000))
        await until(lambda: cluster.has(1000))
        await until(cluster.all_committed)
    assert cluster.metrics.counts[DUPLICATES] == 0
