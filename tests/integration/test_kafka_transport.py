"""The agent's way into a real Kafka: where lines go, what brokers refuse, and what happens when the way breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from deploy.engines import Kafka
from deploy.engines.places import free_ports
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.chunks import chunk_of, numbered
from tests.kafka_topics import add_partitions, admin, create, new_prefix, read_all
from tests.relay import Relay
from tests.waiting import until

from clew_agent.errors import TransportUnavailable
from clew_agent.kafka import FORMAT_HEADER, KafkaAddress, KafkaSettings
from clew_agent.metrics import Metrics
from clew_agent.transport.kafka import KafkaTransport
from clew_agent.wire import Chunk, Heartbeat, decode_chunk, partition_of

pytestmark = pytest.mark.kafka
RANDOM = random.Random(11)


def noise(size: int) -> bytes:
    """A line that does not compress."""
    return RANDOM.randbytes(size - 1).replace(b"\n", b".") + b"\n"


class Place:
    """Topics of our own on a cluster."""

    def __init__(self, bootstrap: str, server: str = "") -> None:
        self.bootstrap = bootstrap
        self.address = KafkaAddress(tuple((server or bootstrap).split(",")), new_prefix())
        self.events, self.agents = self.address.topics.events, self.address.topics.agents

    async def create(self, partitions: int = 1, **configs: str) -> None:
        await self.create_events(partitions, **configs)
        await create(self.bootstrap, {self.agents: 1})

    async def create_events(self, partitions: int = 1, **configs: str) -> None:
        await create(self.bootstrap, {self.events: partitions}, **configs)

    async def chunks(self) -> list[tuple[int, Chunk]]:
        """Return each chunk with its partition."""
        return [
            (record.partition, decode_chunk(record.value)) for record in await read_all(self.bootstrap, self.events)
        ]

    async def has(self, lines: int) -> bool:
        return len(await self.lines()) >= lines

    async def lines(self) -> list[bytes]:
        return sorted(line.raw for _, chunk in await self.chunks() for line in chunk.lines())

    @asynccontextmanager
    async def transport(self, *, timeout_s: float = 5.0, **options: Any) -> AsyncIterator[KafkaTransport]:
        transport = KafkaTransport(
            self.address,
            KafkaSettings.model_validate(options.pop("kafka", {})),
            client_id="test",
            timeout_s=timeout_s,
            **options,
        )
        try:
            yield transport
        finally:
            await transport.close()


def lines_of(*chunks: Chunk) -> list[bytes]:
    return sorted(line.raw for chunk in chunks for line in chunk.lines())


@pytest.fixture
def place(kafka: Kafka) -> Place:
    return Place(kafka.bootstrap)


@pytest.fixture
def relayed(relayed_kafka: tuple[Kafka, Relay]) -> tuple[Place, Relay]:
    cluster, relay = relayed_kafka
    return Place(cluster.bootstrap, f"127.0.0.1:{relay.port}"), relay


class TestRecords:
    async def test_each_line_is_in_its_transactions_partition_once(self, place: Place) -> None:
        await place.create(12)
        sent = numbered(0, 2000)
        async with place.transport() as transport:
            await transport.send([sent])
        chunks = await place.chunks()
        assert {p for p, _ in chunks} == set(range(12))
        assert all(partition_of(line.transaction_id, 12) == p for p, chunk in chunks for line in chunk.lines())
        assert await place.lines() == lines_of(sent)

    async def test_a_record_says_what_it_holds_and_is_compressed_once(self, place: Place) -> None:
        await place.create()
        async with place.transport() as transport:
            await transport.send([numbered(0, 10)])
        [record] = await read_all(place.bootstrap, place.events)
        assert record.headers == ((FORMAT_HEADER, b"chunk/1"),)
        assert record.key is None
        assert record.value.startswith(b"CLW1")

    async def test_a_heartbeats_key_is_the_agent(self, place: Place) -> None:
        await place.create()
        async with place.transport() as transport:
            await transport.heartbeat(Heartbeat(agent_id="a7", host="h", version="1", sent_ns=2, started_ns=1))
        [record] = await read_all(place.bootstrap, place.agents)
        assert (record.key, record.headers) == (b"a7", ((FORMAT_HEADER, b"heartbeat/1"),))


class TestTopics:
    async def test_a_missing_topic_is_explained_and_used_once_it_is_there(self, place: Place) -> None:
        sent = numbered(0, 10)
        async with place.transport(timeout_s=1.0) as transport:
            with pytest.raises(TransportUnavailable, match=f"{place.events} does not exist") as raised:
                await transport.send([sent])
            assert "collector" in raised.value.hint
            await place.create()
            await transport.send([sent])
        assert await place.lines() == lines_of(sent)

    async def test_partitions_that_were_added_are_used(self, place: Place) -> None:
        await place.create(1)
        async with place.transport(metadata_max_age_s=0.2) as transport:
            await transport.send([numbered(0, 100)])
            await add_partitions(place.bootstrap, place.events, 3)
            async with asyncio.timeout(20):
                sent = 100
                while len({p for p, _ in await place.chunks()}) < 3:
                    await transport.send([numbered(sent, sent + 100)])
                    sent += 100
        assert await place.lines() == lines_of(numbered(0, sent))

    async def test_a_topic_that_takes_smaller_records_gets_smaller_ones(self, place: Place) -> None:
        await place.create(max_message_bytes="20000")
        sent = chunk_of([noise(5_000) for _ in range(30)])
        async with place.transport() as transport:
            async with asyncio.timeout(60):
                while True:
                    try:
                        await transport.send([sent])
                    except TransportUnavailable as error:
                        assert "TooLarge" in error.message  # noqa: PT017 - the way there takes several
                    else:
                        break
        # What arrived before the limit was known may be there twice, under the same offsets.
        arrived = {line.offset: line.raw for _, chunk in await place.chunks() for line in chunk.lines()}
        assert arrived == {line.offset: line.raw for line in sent.lines()}

    async def test_a_line_over_the_limit_is_cut_kept_and_counted(self, place: Place) -> None:
        await place.create()
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader])
        sent = chunk_of([b"before\n", noise(60_000), b"behind\n"])
        options = {"kafka": {"record_bytes_max": 20_000}, "metrics": Metrics(provider.get_meter("clew"))}
        async with place.transport(**options) as transport:
            await transport.send([sent])
        parts = [chunk for _, chunk in await place.chunks()]
        kept = [line for chunk in parts for line in chunk.lines()]
        assert [line.offset for line in kept] == sent.line_offsets()
        assert [line.length for line in kept] == [7, 60_000, 7]
        cut = next(iter(sent.lines()))
        assert kept[0] == cut
        data = reader.get_metrics_data()
        assert data is not None
        [metric] = [m for m in data.resource_metrics[0].scope_metrics[0].metrics if m.name == "clew_agent_cut"]
        assert metric.data.data_points[0].value == 60_000 - sum(len(c.payload) for c in parts) + 14
        provider.shutdown()

    async def test_a_topic_made_anew_is_written_on(self, place: Place) -> None:
        await place.create()
        async with place.transport(timeout_s=2.0, metadata_max_age_s=0.2) as transport:
            await transport.send([numbered(0, 10)])
            await transport.send([numbered(10, 20)])
            async with admin(place.bootstrap) as client:
                await client.delete_topics([place.events])

                async def gone() -> bool:
                    return bool((await client.describe_topics([place.events]))[0]["error_code"])

                await until(gone)
            await place.create_events()
            await send_until_taken(transport, numbered(20, 30))
        assert await place.lines() == lines_of(numbered(20, 30))


async def send_until_taken(transport: KafkaTransport, *chunks: Chunk, timeout_s: float = 40.0) -> int:
    """Send as an agent does, again and again; return how often it failed."""
    failures = 0
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                await transport.send(chunks)
            except TransportUnavailable:
                failures += 1
            else:
                return failures


class TestTrouble:
    async def test_an_answer_that_is_lost_doubles_nothing(self, relayed: tuple[Place, Relay]) -> None:
        """The record was written, its acknowledgement never came: sent again, it is known there."""
        place, relay = relayed
        await place.create(3)
        async with place.transport() as transport:
            await transport.send([numbered(0, 100)])
            for turn in range(1, 11):
                relay.hold_answers()
                sending = asyncio.create_task(transport.send([numbered(100 * turn, 100 * turn + 100)]))
                await until(lambda turn=turn: place.has(100 * (turn + 1)))  # type: ignore[misc]
                relay.cut()
                await sending
        assert await place.lines() == lines_of(numbered(0, 1100))

    async def test_a_cluster_away_for_longer_than_a_send_waits_doubles_nothing(
        self, relayed: tuple[Place, Relay]
    ) -> None:
        place, relay = relayed
        await place.create(3)
        sent = numbered(100, 200)
        async with place.transport(timeout_s=1.0) as transport:
            await transport.send([numbered(0, 100)])
            relay.hold_answers()
            with pytest.raises(TransportUnavailable):
                await transport.send([sent])
            relay.lead_nowhere()
            with pytest.raises(TransportUnavailable):
                await transport.send([sent])
            relay.lead_there()
            await send_until_taken(transport, sent)
        assert await place.lines() == lines_of(numbered(0, 200))

    async def test_a_connection_that_comes_up_while_its_producer_is_given_up_is_closed(
        self, relayed: tuple[Place, Relay]
    ) -> None:
        place, relay = relayed
        await place.create()
        async with place.transport(timeout_s=4.0) as transport:
            await transport.send([numbered(0, 10)])
            producer = transport._producer
            assert producer is not None
            relay.hold_answers()
            relay.cut()
            relay.hold_answers()
            sending = asyncio.create_task(transport.send([numbered(10, 20)]))
            await asyncio.sleep(0.5)
            closing = asyncio.create_task(transport.close())
            await asyncio.sleep(0.5)
            relay.pass_answers()
            await closing
            await asyncio.gather(sending, return_exceptions=True)
        assert [one for one in producer.client._conns.values() if one.connected()] == []

    async def test_heartbeats_do_not_pile_up(self, relayed: tuple[Place, Relay]) -> None:
        place, relay = relayed
        await place.create()

        def beat(n: int) -> Heartbeat:
            return Heartbeat(agent_id="a", host="h", version="1", sent_ns=n, started_ns=1)

        async with place.transport(timeout_s=0.5) as transport:
            await transport.send([numbered(0, 1)])
            relay.lead_nowhere()
            for n in range(3):
                with pytest.raises(TransportUnavailable):
                    await transport.heartbeat(beat(n))
            relay.lead_there()
            await until(lambda: read_all(place.bootstrap, place.agents))
            await transport.heartbeat(beat(9))
        assert len(await read_all(place.bootstrap, place.agents)) == 2

    async def test_too_few_replicas_are_waited_for(self, start_kafka: Callable[..., Kafka]) -> None:
        cluster = start_kafka(3)
        place = Place(cluster.bootstrap)
        await create(place.bootstrap, {place.events: 1}, replicas=3)
        sent = numbered(0, 10)
        async with place.transport(timeout_s=10.0) as transport:
            await transport.send([numbered(10, 20)])
            for node in (2, 3):
                cluster.kill_node(node)
            with pytest.raises(TransportUnavailable):
                await transport.send([sent])
            for node in (2, 3):
                cluster.start_node(node)
            await send_until_taken(transport, sent, timeout_s=90)
        assert await place.lines() == lines_of(numbered(0, 20))

    async def test_a_wrong_password_says_so_and_the_right_one_goes_in(self, start_kafka: Callable[..., Kafka]) -> None:
        [port] = free_ports(1)
        cluster = start_kafka(
            **{
                "listeners": f"PLAINTEXT://127.0.0.1:{{port}},LOGIN://127.0.0.1:{port},"
                "CONTROLLER://127.0.0.1:{controller_port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{port}},LOGIN://127.0.0.1:{port}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name": "PLAINTEXT",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.login.plain.sasl.jaas.config": (
                    'org.apache.kafka.common.security.plain.PlainLoginModule required user_clew="geheim";'
                ),
            }
        )
        place = Place(cluster.bootstrap, f"127.0.0.1:{port}")
        await place.create()
        login = {"username": "clew", "mechanism": "PLAIN"}
        async with place.transport(kafka=login | {"password": "falsch"}) as transport:
            with pytest.raises(TransportUnavailable) as raised:
                await transport.send([numbered(0, 10)])
        assert "uthentication" in raised.value.message
        assert "kafka.password" in raised.value.hint
        assert "falsch" not in raised.value.message
        async with place.transport(kafka=login | {"password": "geheim"}) as transport:
            await transport.send([numbered(0, 10)])
        assert await place.lines() == lines_of(numbered(0, 10))
