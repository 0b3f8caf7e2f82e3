"""Topics that others write, through a real Kafka into a store: each record once, whatever is killed, poison aside."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaProducer
from deploy.engines import Kafka
from tests.chunks import numbered
from tests.integration.kafka_cluster import Cluster
from tests.kafka_topics import create
from tests.unit.foreign.test_decoder import FILEBEAT_FILE, FLUENT_BIT_KUBERNETES, VECTOR_KUBERNETES
from tests.unit.otlp.messages import NOW, TRACE, log_record, logs_request, span, spans_request
from tests.waiting import until

from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.dead_letters.putting_back import put_back
from clew_collector.event import Event
from clew_collector.foreign import FORM_HEADER
from clew_collector.store.expression import ALL

pytestmark = pytest.mark.kafka
SHAPES = {"filebeat": FILEBEAT_FILE, "fluent-bit": FLUENT_BIT_KUBERNETES, "vector": VECTOR_KUBERNETES}


class Foreign(Cluster):
    """A cluster with topics of others, one for each form."""

    @property
    def forms(self) -> dict[str, str | None]:
        return {
            f"{self.prefix}-otlp-logs": "otlp_logs",
            f"{self.prefix}-otlp-spans": "otlp_traces",
            f"{self.prefix}-json": "json",
            f"{self.prefix}-any": None,
        }

    def topic_of(self, form: str) -> str:
        return f"{self.prefix}-{form}"

    def settings(self, **others: object):  # type: ignore[no-untyped-def]
        foreign = [{"topic": topic, "form": form} for topic, form in self.forms.items()]
        return super().settings(**{"foreign_topics": foreign, **others})

    async def write(
        self, form: str, *values: bytes | None, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(
                    self.topic_of(form), value, key=b"k", partition=partition, headers=[*headers]
                )
        finally:
            await producer.stop()

    def events(self) -> list[Event]:
        return sorted(self.store._events.values(), key=lambda event: (event.service, event.body))


@pytest.fixture
async def cluster(kafka: Kafka) -> AsyncIterator[Foreign]:
    cluster = Foreign(kafka)
    topics = cluster.settings().address.topics
    await create(kafka.bootstrap, {topics.events: 4, topics.agents: 1, topics.dead_letters: 1})
    await create(kafka.bootstrap, dict.fromkeys(cluster.forms, 2))
    yield cluster
    # Nothing that was read came twice into the store.
    assert len(cluster.store.created) == len(set(cluster.store.created))


def json_line(n: int) -> bytes:
    return json.dumps({"message": f"line {n}", "service": "own", "level": "info"}).encode()


async def test_what_others_write_becomes_events_beside_our_own(cluster: Foreign) -> None:
    await cluster.write("otlp-logs", logs_request(log_record("paid"), log_record("sent")).SerializeToString())
    await cluster.write("otlp-spans", spans_request(span(name="GET /pay")).SerializeToString())
    for shape in SHAPES.values():
        await cluster.write("json", json.dumps(shape).encode(), partition=1)
    await cluster.put(numbered(0, 100))
    async with cluster.collector() as (log, consumer):
        await until(lambda: cluster.has(106))
        await until(cluster.all_committed)
        await consumer.drain()
        assert await log.lag_bytes(consumer.position) == 0
    found = {event.body: event for event in cluster.events() if event.service != "orders"}
    assert {"paid", "sent", "GET /pay"} <= found.keys()
    assert found["paid"].timestamp == NOW
    assert found["GET /pay"].duration is not None
    assert found["GET /pay"].transaction_id == TRACE
    assert {event.host for event in found.values()} >= {"web-1", "node-3"}
    assert await cluster.letters.letters() == []


async def test_a_header_says_the_form_also_in_our_own_topic(cluster: Foreign) -> None:
    await cluster.write("any", json_line(1), headers=[(FORM_HEADER, b"json")])
    await cluster.write("any", b"INFO plain text", headers=[(FORM_HEADER, b"text")])
    producer = AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap)
    await producer.start()
    await producer.send_and_wait(cluster.topic, json_line(2), partition=3, headers=[(FORM_HEADER, b"json")])
    await producer.stop()
    async with cluster.collector():
        await until(cluster.all_committed)
    assert {event.body for event in cluster.events()} == {"line 1", "plain text", "line 2"}


async def test_a_collector_killed_before_it_commits_doubles_nothing(cluster: Foreign) -> None:
    await cluster.write("json", *(json_line(n) for n in range(200)))
    await cluster.write("otlp-logs", logs_request(log_record("once")).SerializeToString())
    async with AsyncExitStack() as stack:
        log, _ = await stack.enter_async_context(cluster.collector())

        async def forgotten(_position: int) -> None:
            """As if it had been killed before."""

        log.stored = forgotten  # type: ignore[method-assign]
        await until(lambda: cluster.has(201))
    assert await cluster.committed() == {}
    async with cluster.collector():
        await until(cluster.all_committed)
    assert len(cluster.store.created) == 201


async def test_poison_is_a_dead_letter_with_the_reason_and_empty_messages_are_passed_over(cluster: Foreign) -> None:
    await cluster.write("json", json_line(1), b"{no json", None, b"[1]", json_line(2))
    await cluster.write("otlp-logs", b"\x0a\xffgarbage")
    await cluster.write("any", b"whatever")
    async with cluster.collector():
        await until(cluster.all_committed)
    letters = {letter.payload: letter for letter in await cluster.letters.letters()}
    assert letters.keys() == {b"{no json", b"[1]", b"\x0a\xffgarbage", b"whatever"}
    assert "not JSON" in letters[b"{no json"].reason
    assert "no object" in letters[b"[1]"].reason
    assert "OTLP" in letters[b"\x0a\xffgarbage"].reason
    assert "clew-form" in letters[b"whatever"].reason
    assert letters[b"{no json"].topic == cluster.topic_of("json")
    assert letters[b"{no json"].offset == 1
    assert len(cluster.store.created) == 2


async def test_a_message_put_back_is_the_same_events(cluster: Foreign) -> None:
    """Three lines in one message, one of them rejected: put back whole, and only the rejected one is new."""
    letters = KafkaDeadLetters(cluster.settings(), client_id="test")
    cluster.letters = letters
    await cluster.write("json", b"\n".join(json_line(n) for n in range(3)), headers=[("own", b"1")])
    refused: set[str] = set()
    cluster.store.refuses = lambda event: event.body == "line 1" and not refused.add(event.event_id)  # type: ignore[func-returns-value]
    try:
        async with cluster.collector():
            await until(cluster.all_committed)
            [letter] = await letters.letters()
            assert letter.id == f"{cluster.topic_of('json')}/0/0"
            assert ("own", b"1") in letter.headers
            assert await cluster.store.count(ALL) == 2
            cluster.store.refuses = None
            await put_back([letter], letters, cluster.settings(), client_id="test")
            await until(lambda: cluster.has(3))
            await until(cluster.all_committed)
        assert await letters.letters() == []
    finally:
        await letters.close()
    assert {event.body for event in cluster.events()} == {"line 0", "line 1", "line 2"}
    assert {event.event_id for event in cluster.events() if event.body == "line 1"} == refused


async def test_a_missing_topic_of_others_stops_nothing_and_is_read_once_it_is_there(cluster: Foreign) -> None:
    foreign = [{"topic": cluster.topic_of("late"), "form": "text"}]
    await cluster.put(numbered(0, 50))
    async with cluster.collector(foreign_topics=foreign):
        await until(lambda: cluster.has(50))
        await create(cluster.kafka.bootstrap, {cluster.topic_of("late"): 1})
        await cluster.write("late", b"INFO at last")
        await until(lambda: cluster.has(51), timeout_s=60)
