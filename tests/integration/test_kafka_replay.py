"""`clew replay` over a real Kafka into a real Elasticsearch: changes nothing but what is missing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from deploy.engines import Elasticsearch, Kafka
from tests.chunks import numbered
from tests.elastic_stores import elastic_settings, remove_prefix
from tests.kafka_topics import admin, create, in_thread, new_prefix
from tests.scenarios.collector_program import CollectorProgram, clew

from clew_agent.wire import Chunk
from clew_collector.dead_letters import DeadLetter
from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.event import Event
from clew_collector.log.kafka.log import KafkaLog
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.store.elasticsearch import ElasticsearchStore
from clew_collector.store.protocol import SearchRequest

pytestmark = [pytest.mark.kafka, pytest.mark.elastic]


class System:
    """Topics with two halves of lines, written one after the other, an object of others, and poison; all collected."""

    def __init__(self, kafka: Kafka, elastic: Elasticsearch, folder: Path) -> None:
        prefix = new_prefix()
        self.bootstrap = kafka.bootstrap
        self.stored = elastic_settings(elastic.url)
        self.logged = KafkaLogSettings.model_validate(
            {
                "server": f"kafka://{kafka.bootstrap}/{prefix}",
                "group": prefix,
                "foreign_topics": [{"topic": f"{prefix}-json", "form": "json"}],
            }
        )
        self.json_topic = f"{prefix}-json"
        self.collector = CollectorProgram(
            folder / "collector",
            log={"kafka": self.logged.model_dump(mode="json", exclude_defaults=True)},
            store={"elasticsearch": self.stored.model_dump(mode="json", exclude_defaults=True)},
        )
        self.middle = ""

    def fill(self) -> None:
        topics = self.logged.address.topics
        in_thread(create(self.bootstrap, {topics.events: 3, topics.agents: 1, topics.dead_letters: 1}))
        in_thread(create(self.bootstrap, {self.json_topic: 1}))
        in_thread(self._put(numbered(0, 100)))
        time.sleep(0.05)
        self.middle = datetime.now(UTC).isoformat()
        time.sleep(0.05)
        in_thread(self._put(numbered(100, 150)))
        in_thread(self._write(b'{"message": "of others"}', b"poison"))
        with self.collector:
            deadline = time.monotonic() + 60
            while not (len(self.events()) == 151 and self.letters()) and time.monotonic() < deadline:
                time.sleep(0.2)

    async def _put(self, *chunks: Chunk) -> None:
        log = KafkaLog(self.logged, client_id="test", bury=None)  # type: ignore[arg-type] # nobody reads
        await log.append(chunks)
        await log.close()

    async def _write(self, *values: bytes) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        for value in values:
            await producer.send_and_wait(self.json_topic, value)
        await producer.stop()

    def committed(self) -> object:
        async def ask() -> object:
            async with admin(self.bootstrap) as client:
                return await client.list_consumer_group_offsets(self.logged.group)

        return in_thread(ask())

    def letters(self) -> list[DeadLetter]:
        async def ask() -> list[DeadLetter]:
            letters = KafkaDeadLetters(self.logged, client_id="test")
            try:
                return await letters.letters()
            finally:
                await letters.close()

        return in_thread(ask())

    def events(self) -> list[Event]:
        async def ask() -> list[Event]:
            store = ElasticsearchStore.open(self.stored)
            try:
                page = await store.search(SearchRequest(order="asc", limit=1000))
                return list(page.events)
            finally:
                await store.close()

        return in_thread(ask())

    def replay(self, *options: str) -> dict[str, int]:
        done = clew("replay", "--config", self.collector.config, "--json", *options)
        assert done.returncode == 0, done.stderr
        said: dict[str, int] = json.loads(done.stdout)
        return said


@pytest.fixture(scope="module")
def filled(kafka: Kafka, elastic: Elasticsearch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(kafka, elastic, tmp_path_factory.mktemp("replay"))
    system.fill()
    yield system
    remove_prefix(system.stored)


def test_reading_again_changes_nothing_where_nothing_is_missing(filled: System) -> None:
    before = (filled.events(), filled.letters(), filled.committed())
    assert len(before[0]) == 151
    said = filled.replay()
    assert (said["events"], said["known"], said["created"], said["rejected"]) == (151, 151, 0, 0)
    assert said["letters"] == 0
    assert (filled.events(), filled.letters(), filled.committed()) == before
    assert [(one.payload, one.count) for one in before[1]] == [(b"poison", 1)]


def test_only_what_was_written_from_a_time_to_a_time_is_read(filled: System) -> None:
    assert filled.replay("--from", filled.middle)["events"] == 51
    assert filled.replay("--to", filled.middle)["events"] == 100
    assert filled.replay("--from", filled.middle, "--to", filled.middle)["events"] == 0
    assert filled.replay("--from", "2099-01-01")["records"] == 0


def test_what_was_removed_comes_back(filled: System) -> None:
    before = filled.events()
    httpx.delete(f"{filled.stored.hosts[0]}/{filled.stored.index_prefix}-events-*", timeout=30).raise_for_status()
    said = filled.replay()
    assert (said["created"], said["known"]) == (151, 0)
    assert filled.events() == before


def test_it_says_so_in_words(filled: System) -> None:
    done = clew("replay", "--config", filled.collector.config)
    assert done.returncode == 0, done.stderr
    assert "0 were missing" in done.stdout
    assert "151 were there" in done.stdout


def test_a_topic_of_others_that_is_still_to_come_keeps_nobody_from_reading_the_rest(
    filled: System, tmp_path: Path
) -> None:
    log = filled.logged.model_dump(mode="json", exclude_defaults=True)
    log["foreign_topics"].append({"topic": f"{filled.json_topic}-to-come"})
    config = tmp_path / "collector.yaml"
    store = {"elasticsearch": filled.stored.model_dump(mode="json", exclude_defaults=True)}
    config.write_text(json.dumps({"log": {"kafka": log}, "store": store}))
    done = clew("replay", "--config", config, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["known"] == 151
    assert f"{filled.json_topic}-to-come" in done.stderr


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    config = tmp_path / "collector.yaml"
    log = {"kafka": {"server": "kafka://127.0.0.1:9", "timeout_s": 2}}
    config.write_text(json.dumps({"log": log, "store": {"elasticsearch": {}}}))
    done = clew("replay", "--config", config)
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "brokers run" in done.stderr
