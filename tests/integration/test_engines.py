"""The engines of `deploy/engines` are the real ones, are found again, and stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from deploy.engines import ELASTICSEARCH_VERSION, Elasticsearch, Kafka, Running, start_all, stop_all

MAJORITY_WAIT_S = 60


async def topic(kafka: Kafka, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=len(kafka.nodes))])
    finally:
        await admin.close()


async def send(kafka: Kafka, name: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(name, value)
    finally:
        await producer.stop()


async def read(kafka: Kafka, name: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(name, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
class TestKafka:
    async def test_a_record_comes_back(self, kafka: Kafka, tmp_path: Path) -> None:
        name = f"engines-{tmp_path.name}"
        await topic(kafka, name)
        await send(kafka, name, b"one")
        assert await read(kafka, name, 1) == [b"one"]

    @pytest.mark.timeout(240)
    def test_three_nodes_go_on_when_one_is_killed(self, start_kafka: Callable[..., Kafka]) -> None:
        import asyncio

        kafka = start_kafka(nodes=3)

        async def write_and_read(value: bytes, count: int) -> list[bytes]:
            await asyncio.wait_for(send(kafka, "survives", value), MAJORITY_WAIT_S)
            return await asyncio.wait_for(read(kafka, "survives", count), MAJORITY_WAIT_S)

        asyncio.run(topic(kafka, "survives"))
        assert asyncio.run(write_and_read(b"one", 1)) == [b"one"]
        kafka.kill_node(2)
        assert not kafka.alive
        assert asyncio.run(write_and_read(b"two", 2)) == [b"one", b"two"]
        kafka.start_node(2)
        kafka.wait_ready()
        assert asyncio.run(write_and_read(b"three", 3)) == [b"one", b"two", b"three"]


@pytest.mark.elastic
class TestElasticsearch:
    def test_a_document_comes_back(self, elastic: Elasticsearch, tmp_path: Path) -> None:
        index = f"{elastic.url}/engines-{tmp_path.name.replace('_', '-').lower()}"
        assert httpx.put(f"{index}/_create/1?refresh=true", json={"a": 1}).status_code == 201
        assert httpx.get(f"{index}/_doc/1").json()["_source"] == {"a": 1}
        assert httpx.put(f"{index}/_create/1", json={"a": 1}).status_code == 409
        assert httpx.delete(index).status_code == 200

    def test_it_is_of_the_version_that_we_name(self, elastic: Elasticsearch) -> None:
        nodes = httpx.get(f"{elastic.url}/_nodes/_all/process").json()["nodes"]
        assert {node["version"] for node in nodes.values()} == {ELASTICSEARCH_VERSION}


@pytest.mark.kafka
@pytest.mark.elastic
@pytest.mark.timeout(300)
def test_a_second_call_finds_them_running_and_stopping_leaves_nothing(
    kafka: Kafka, elastic: Elasticsearch, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from deploy.engines import resolve_elasticsearch, resolve_kafka

    libraries, home = resolve_kafka(), resolve_elasticsearch()
    with tempfile.TemporaryDirectory(prefix="clew-engines-") as folder:
        cache = Path(folder)
        cache.chmod(0o755)
        (cache / libraries.name).symlink_to(libraries)
        (cache / home.name).symlink_to(home)
        monkeypatch.setenv("CLEW_ENGINES_CACHE", folder)
        said: list[str] = []
        first = start_all(say=said.append)
        try:
            assert len(said) == 2
            second = start_all(say=said.append)
            assert len(said) == 2
            assert second == first == Running.found()
        finally:
            stopped = stop_all()
        assert stopped == first.as_dict()
        assert first.kafka is not None
        assert first.elasticsearch is not None
        assert not first.kafka.alive
        assert not first.elasticsearch.alive
        assert Running.found() == Running()
        assert stop_all() == {}
