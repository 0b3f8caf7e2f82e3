"""Whatever is killed, stopped or away, at whatever moment: no line is lost, none is there twice, the audit is clean.

The four that are known to break others are played a few times each; `make chaos` plays all, often. The oracle is exact:
writers number their lines.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from deploy.engines import Elasticsearch, Kafka
from tests.kafka_topics import in_thread
from tests.relay import Relay

from .pace import BUSY_LOAD, GIVE_UP_S, RECOVERY_S_MAX
from .pipeline import Account, Pipeline, repeated

pytestmark = [pytest.mark.kafka, pytest.mark.elastic, pytest.mark.chaos, pytest.mark.timeout(3600)]

long = pytest.mark.skipif(os.environ.get("CLEW_CHAOS") != "full", reason="`make chaos` plays it: a minute or more each")


AT_WORK_S = repeated(15, 2)
"""How long all work before the first failure, and how long the speed after the last is measured."""


@pytest.fixture
def engines(own_engines: tuple[Kafka, Elasticsearch]) -> tuple[Kafka, Elasticsearch]:
    """All of them up, however the test before ended."""
    kafka, elastic = own_engines
    for node in kafka.nodes:
        kafka.processes[node.number].signal(signal.SIGCONT)
        if not kafka.processes[node.number].alive:
            kafka.start_node(node.number)
    if not elastic.alive:
        elastic.start_node()
    kafka.wait_ready()
    elastic.wait_ready()
    return kafka, elastic


@pytest.fixture
def start(engines: tuple[Kafka, Elasticsearch], tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    with ExitStack() as stack:

        def begin(kafka: Kafka = engines[0], **arguments: Any) -> Pipeline:
            pipeline = stack.enter_context(Pipeline(tmp_path, kafka, engines[1], **arguments))
            pipeline.begin(AT_WORK_S)
            return pipeline

        yield begin


@pytest.fixture
def pipeline(start: Callable[..., Pipeline]) -> Pipeline:
    return start()


def judge(pipeline: Pipeline, what: str, times: int) -> None:
    """Print and hold to the account. Speeds are printed only: the machine has a part in them."""
    went_on = pipeline.go_on()
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    before, after = pipeline.speeds(repeated(int(RECOVERY_S_MAX), 1))
    took = pipeline.pace.recoveries()
    began = time.monotonic()
    account = pipeline.settle()
    audit = pipeline.audit()
    print(
        f"\nchaos: {what} x {times}: {account.written} lines written, lost {account.lost}, doubled {account.doubled}, "
        f"strange {account.strange}, dead letters {account.letters}, audit {'clean' if audit.clean else 'NOT clean'}; "
        f"committed again after {describe(took)} s ({len(took)} seen, load {load:.1f} a core); "
        f"lines/s before {before:.0f}, after the last {after:.0f}; settled within {time.monotonic() - began:.0f} s, "
        f"{time.monotonic() - pipeline.pace.samples[0].at:.0f} s in all"
    )
    assert account == Account(written=account.written, lost=0, doubled=0, strange=0, letters=0), pipeline.tell()
    assert audit.clean
    assert sum(file.stored for file in audit.files) == sum(file.acknowledged for file in audit.files)
    assert went_on, f"nothing was committed within {GIVE_UP_S} s of the last failure's end"
    assert max(took) <= (RECOVERY_S_MAX if load < BUSY_LOAD else GIVE_UP_S)


def describe(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} (most {max(seconds):.1f})" if seconds else "-"


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
        with pipeline.pace.failing():
            pipeline.agent.kill()
            pipeline.agent.start()
    judge(pipeline, "agent killed", times)


def test_the_collector_killed(start: Callable[..., Pipeline]) -> None:
    # Without a name in the group it comes to nothing until the group has missed the killed one (`session_timeout_s`).
    pipeline = start(member="one")
    times = repeated(100, 5)
    [collector] = pipeline.collectors
    for turn in range(times):
        # In turn: while it still starts, joins or catches up, as it comes, and surely at work, however slow all is.
        if turn % 2:
            assert pipeline.go_on()
        pipeline.run_for(0.2, 4)
        with pipeline.pace.failing():
            collector.kill()
            collector.start()
    judge(pipeline, "collector killed", times)
    assert len(pipeline.pace.recoveries()) > times / 2, "half were killed at work, and it went on after the last"


@long
def test_a_collector_without_a_name_killed(pipeline: Pipeline) -> None:
    times = repeated(10, 1)
    [collector] = pipeline.collectors
    for _ in range(times):
        pipeline.run_for(0.2, 4)
        with pipeline.pace.failing():
            collector.kill()
            collector.start()
        assert pipeline.go_on()
    judge(pipeline, "collector without a name killed", times)


def test_elasticsearch_killed(pipeline: Pipeline) -> None:
    times = repeated(10, 1)
    for _ in range(times):
        pipeline.run_for(1, 4)
        with pipeline.pace.failing():
            pipeline.elastic.kill()
            pipeline.elastic.start_node()
            pipeline.elastic.wait_ready()
    judge(pipeline, "Elasticsearch killed", times)


def test_a_partitions_leader_killed(pipeline: Pipeline) -> None:
    times = repeated(10, 1)
    for _ in range(times):
        pipeline.run_for(1, 4)
        number = leader(pipeline)
        with pipeline.pace.failing():
            pipeline.kafka.kill_node(number)
            pipeline.run_for(5, 8)
            pipeline.kafka.start_node(number)
            pipeline.kafka.wait_ready()
    judge(pipeline, "partition's leader killed", times)


@long
def test_all_of_kafka_away_while_the_agent_restarts(pipeline: Pipeline) -> None:
    away_s = repeated(120, 8)
    with pipeline.pace.failing():
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
    with pipeline.pace.failing():
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
        with pipeline.pace.failing():
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
        with pipeline.pace.failing():
            pipeline.kafka.processes[number].signal(signal.SIGSTOP)
            time.sleep(10)
            pipeline.kafka.processes[number].signal(signal.SIGCONT)
        pipeline.run_for(1, 3)
    judge(pipeline, "broker stopped for 10 s", times)


@long
def test_connections_cut_before_the_acknowledgement(
    start: Callable[..., Pipeline], relayed_kafka: tuple[Kafka, Relay]
) -> None:
    """What was written and not acknowledged is sent again: it is known there."""
    kafka, relay = relayed_kafka
    pipeline = start(kafka=kafka, relayed=f"127.0.0.1:{relay.port}")
    times = repeated(100, 5)
    for _ in range(times):
        pipeline.run_for(0.2, 1)
        with pipeline.pace.failing():
            relay.hold_answers()
            pipeline.run_for(0.2, 1)
            relay.cut()
    judge(pipeline, "connections cut before the acknowledgement", times)


@long
def test_lines_without_a_time_read_again_after_midnight(start: Callable[..., Pipeline]) -> None:
    """The agent is killed before it kept how far it was, and lives on another day when it reads on."""
    pipeline = start(checkpoint_interval_s=2)
    times = repeated(20, 3)
    for day in range(1, times + 1):
        pipeline.run_for(1, 3)
        with pipeline.pace.failing():
            pipeline.agent.kill()
            pipeline.move_clock(day)
            pipeline.agent.start()
    judge(pipeline, "agent killed and started on the next day", times)
    again = pipeline.read_again()
    print(f"chaos: {again} lines were read again on another day")
    assert again > times
