"""Whatever is killed, stopped or away, at whatever moment: no line is lost, none is there twice, the audit is clean.

The four that are known to break others are played a few times each; `make chaos` plays all, often. The oracle is exact:
writers number their lines.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from deploy.engines import Elasticsearch, Kafka
from tests.kafka_topics import in_thread

from .pipeline import Account, Pipeline, repeated

pytestmark = [pytest.mark.kafka, pytest.mark.elastic, pytest.mark.chaos, pytest.mark.timeout(3600)]

long = pytest.mark.skipif(os.environ.get("CLEW_CHAOS") != "full", reason="`make chaos` plays it: a minute or more each")


@pytest.fixture
def pipeline(
    start_kafka: Callable[..., Kafka], start_elasticsearch: Callable[..., Elasticsearch], tmp_path: Path
) -> Iterator[Pipeline]:
    with Pipeline(tmp_path, start_kafka(3), start_elasticsearch()) as pipeline:
        pipeline.run_for(2, 3)
        yield pipeline


def judge(pipeline: Pipeline, what: str, times: int) -> None:
    """Print and hold to the account."""
    began = time.monotonic()
    account = pipeline.settle()
    audit = pipeline.audit()
    print(
        f"\nchaos: {what} x {times}: {account.written} lines written, lost {account.lost}, doubled {account.doubled}, "
        f"audit {'clean' if audit.clean else 'NOT clean'}, settled within {time.monotonic() - began:.0f} s"
    )
    assert account == Account(written=account.written, lost=0, doubled=0, strange=0)
    assert audit.clean
    assert sum(file.stored for file in audit.files) == sum(file.acknowledged for file in audit.files)


def leader(pipeline: Pipeline) -> int:
    """Return the number of the node that leads a partition of the events."""

    async def ask() -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=pipeline.kafka.bootstrap)
        await consumer.start()
        try:
            cluster = await consumer._client.fetch_all_metadata()
            topic = pipeline.log_settings.address.topics.events
            found: int = cluster.leader_for_partition(TopicPartition(topic, pipeline.random.randrange(6)))
            return found
        finally:
            await consumer.stop()

    return in_thread(ask())


def test_the_agent_killed(pipeline: Pipeline) -> None:
    times = repeated(100, 5)
    for _ in range(times):
        pipeline.run_for(0.2, 2)
        pipeline.agent.kill()
        pipeline.agent.start()
    judge(pipeline, "agent killed", times)


def test_the_collector_killed(pipeline: Pipeline) -> None:
    times = repeated(100, 5)
    [collector] = pipeline.collectors
    for _ in range(times):
        pipeline.run_for(0.2, 4)
        collector.kill()
        collector.start()
    judge(pipeline, "collector killed", times)


def test_elasticsearch_killed(pipeline: Pipeline) -> None:
    times = repeated(10, 1)
    for _ in range(times):
        pipeline.run_for(1, 4)
        pipeline.elastic.kill()
        pipeline.elastic.start_node()
        pipeline.elastic.wait_ready()
    judge(pipeline, "Elasticsearch killed", times)


def test_a_partitions_leader_killed(pipeline: Pipeline) -> None:
    times = repeated(10, 1)
    for _ in range(times):
        pipeline.run_for(1, 4)
        number = leader(pipeline)
        pipeline.kafka.kill_node(number)
        pipeline.run_for(5, 8)
        pipeline.kafka.start_node(number)
        pipeline.kafka.wait_ready()
    judge(pipeline, "partition's leader killed", times)


@long
def test_all_of_kafka_away_while_the_agent_restarts(pipeline: Pipeline) -> None:
    away_s = repeated(120, 8)
    for node in pipeline.kafka.nodes:
        pipeline.kafka.kill_node(node.number)
    time.sleep(away_s / 2)
    pipeline.agent.kill()
    pipeline.agent.start()
    time.sleep(away_s / 2)
    for node in pipeline.kafka.nodes:
        pipeline.kafka.start_node(node.number)
    pipeline.kafka.wait_ready()
    judge(pipeline, f"Kafka away for {away_s} s, agent restarted", 1)


@long
def test_elasticsearch_away(pipeline: Pipeline) -> None:
    away_s = repeated(120, 8)
    pipeline.elastic.kill()
    time.sleep(away_s)
    pipeline.elastic.start_node()
    pipeline.elastic.wait_ready()
    judge(pipeline, f"Elasticsearch away for {away_s} s", 1)


@long
def test_a_second_collector_joins_and_leaves(pipeline: Pipeline) -> None:
    times = repeated(20, 2)
    for turn in range(times):
        second = pipeline.add_collector()
        pipeline.run_for(2, 5)
        # In turn: it leaves as told, and it is killed.
        if turn % 2:
            second.kill()
        else:
            second.stop()
        pipeline.run_for(1, 3)
    judge(pipeline, "second collector joined and left", times)


@long
def test_a_broker_stands_still(pipeline: Pipeline) -> None:
    times = repeated(5, 1)
    for _ in range(times):
        number = leader(pipeline)
        pipeline.kafka.processes[number].signal(signal.SIGSTOP)
        time.sleep(10)
        pipeline.kafka.processes[number].signal(signal.SIGCONT)
        pipeline.run_for(1, 3)
    judge(pipeline, "broker stopped for 10 s", times)
