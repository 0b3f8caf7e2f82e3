"""One suite over every transport: what `Transport` promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from typing import Protocol

import msgspec
import pytest
import zstandard
from deploy.engines import Kafka
from tests.kafka_topics import create, in_thread, new_prefix, read_all
from tests.relay import Relay
from tests.sink import Answer, Sink

from clew_agent.clock import offset_of
from clew_agent.errors import ChunkRefused, TransportUnavailable
from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.transport import HttpTransport, MemoryTransport, Transport
from clew_agent.transport.kafka import KafkaTransport
from clew_agent.wire import Chunk, Heartbeat, Source, decode_chunk, pack_u32


def a_chunk(text: bytes = b"one\ntwo\n", *, start: int = 0, file_id: bytes = b"0123456789") -> Chunk:
    lines = text.splitlines(keepends=True)
    return Chunk(
        source=Source(file_id=file_id, path="/var/log/a.log", host="h", service="a"),
        observed_ns=1,
        start=start,
        lengths=pack_u32([len(line) for line in lines]),
        payload=text,
    )


class Receiver(Protocol):
    """The other end, whatever it is."""

    says_when: float | None
    """How many seconds a sender that it did not serve is told to wait, if it is told."""

    def chunks(self) -> Sequence[Chunk]: ...
    def beats(self) -> Sequence[Heartbeat]: ...
    def fail_next(self, *, arrived: bool = False) -> None: ...
    def serve(self) -> None:
        """End what `fail_next` began, where that does not end by itself."""


class Refusing(Receiver, Protocol):
    """One that looks into chunks."""

    def refuse(self, file_id: bytes) -> None: ...


class InMemory:
    says_when = 7.0

    def __init__(self) -> None:
        self._refused: set[bytes] = set()
        self.transport = MemoryTransport(refuses=lambda chunk: chunk.source.file_id in self._refused)

    def chunks(self) -> Sequence[Chunk]:
        return self.transport.chunks

    def beats(self) -> Sequence[Heartbeat]:
        return self.transport.beats

    def fail_next(self, *, arrived: bool = False) -> None:
        self.transport.fail_next(TransportUnavailable("busy", retry_after_s=7), arrived=arrived)

    def serve(self) -> None:
        """It serves."""

    def refuse(self, file_id: bytes) -> None:
        self._refused.add(file_id)


class OverHttp:
    says_when = 7.0

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.transport = HttpTransport(sink.url, timeout_s=10)

    def chunks(self) -> Sequence[Chunk]:
        return self._sink.chunks

    def beats(self) -> Sequence[Heartbeat]:
        return self._sink.beats

    def fail_next(self, *, arrived: bool = False) -> None:
        self._sink.answers.append(Answer(503, headers={"Retry-After": "7"}, keeps=arrived))

    def serve(self) -> None:
        """It serves."""

    def refuse(self, file_id: bytes) -> None:
        self._sink.refuses = lambda chunk: chunk.source.file_id == file_id


class OverKafka:
    """A real broker, reached through a relay that can keep its answers back, or be no way at all."""

    says_when = None

    def __init__(self, kafka: Kafka, relay: Relay, *, partitions: int = 1, timeout_s: float = 2.0) -> None:
        self._kafka = kafka
        self._relay = relay
        self.address = KafkaAddress((f"127.0.0.1:{relay.port}",), new_prefix())
        self.topics = self.address.topics
        in_thread(create(kafka.bootstrap, {self.topics.events: partitions, self.topics.agents: 1}))
        self.transport = KafkaTransport(self.address, KafkaSettings(), client_id="test", timeout_s=timeout_s)

    def chunks(self) -> Sequence[Chunk]:
        return [decode_chunk(record.value) for record in in_thread(read_all(self._kafka.bootstrap, self.topics.events))]

    def beats(self) -> Sequence[Heartbeat]:
        records = in_thread(read_all(self._kafka.bootstrap, self.topics.agents))
        return [
            msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(record.value), type=Heartbeat)
            for record in records
        ]

    def fail_next(self, *, arrived: bool = False) -> None:
        if arrived:
            self._relay.hold_answers()
        else:
            self._relay.lead_nowhere()

    def serve(self) -> None:
        self._relay.lead_there()
        self._relay.pass_answers()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(params=["memory", "http", pytest.param("kafka", marks=pytest.mark.kafka)])
async def receiver(request: pytest.FixtureRequest) -> AsyncIterator[InMemory | OverHttp | OverKafka]:
    receiver: InMemory | OverHttp | OverKafka
    with ExitStack() as stack:
        match request.param:
            case "memory":
                receiver = InMemory()
            case "http":
                receiver = OverHttp(stack.enter_context(Sink()))
            case _:
                receiver = OverKafka(*request.getfixturevalue("relayed_kafka"))
        yield receiver
        receiver.serve()
        await receiver.transport.close()


@pytest.fixture
def transport(receiver: InMemory | OverHttp | OverKafka) -> Transport:
    return receiver.transport


@pytest.fixture(params=["memory", "http"])
async def refusing(request: pytest.FixtureRequest) -> AsyncIterator[InMemory | OverHttp]:
    with Sink() as sink:
        receiver = InMemory() if request.param == "memory" else OverHttp(sink)
        yield receiver
        await receiver.transport.close()


class TestEveryTransport:
    async def test_what_was_sent_is_there_when_send_returns(self, transport: Transport, receiver: Receiver) -> None:
        chunk = a_chunk()
        await transport.send([chunk])
        assert receiver.chunks() == [chunk]

    async def test_its_time_can_be_asked_or_there_is_none(self, transport: Transport) -> None:
        exchange = await transport.exchange_time()
        offset = exchange and offset_of(exchange)
        assert (offset is None) == (not isinstance(transport, HttpTransport))
        assert offset is None or abs(offset.offset_ns) <= offset.uncertainty_ns

    async def test_chunks_of_several_files_arrive_in_order(self, transport: Transport, receiver: Receiver) -> None:
        chunks = [a_chunk(), a_chunk(file_id=b"abcdefghij"), a_chunk(b"three\n", start=8)]
        await transport.send(chunks)
        assert receiver.chunks() == chunks

    async def test_bytes_arrive_untouched(self, transport: Transport, receiver: Receiver) -> None:
        chunk = a_chunk(b"\xff\xfe\0nul \0\r\n\n\xe2\x82\n")
        await transport.send([chunk])
        assert receiver.chunks()[0].payload == chunk.payload

    async def test_a_receiver_that_does_not_serve_is_unavailable_and_may_say_until_when(
        self, transport: Transport, receiver: Receiver
    ) -> None:
        receiver.fail_next()
        with pytest.raises(TransportUnavailable) as raised:
            await transport.send([a_chunk()])
        receiver.serve()
        assert raised.value.retry_after_s == receiver.says_when
        assert not receiver.chunks()

    async def test_sent_again_after_a_failure_it_arrives_once(self, transport: Transport, receiver: Receiver) -> None:
        chunk = a_chunk()
        receiver.fail_next()
        receiver.fail_next()
        for _ in range(2):
            with pytest.raises(TransportUnavailable):
                await transport.send([chunk])
        receiver.serve()
        await transport.send([chunk])
        assert receiver.chunks() == [chunk]

    async def test_chunks_may_have_arrived_although_it_raises(self, transport: Transport, receiver: Receiver) -> None:
        await transport.send([a_chunk()])
        receiver.fail_next(arrived=True)
        with pytest.raises(TransportUnavailable):
            await transport.send([a_chunk(b"three\n", start=8)])
        assert [chunk.start for chunk in receiver.chunks()] == [0, 8]

    async def test_after_a_failure_other_chunks_are_sent_too(self, transport: Transport, receiver: Receiver) -> None:
        receiver.fail_next()
        with pytest.raises(TransportUnavailable):
            await transport.send([a_chunk(), a_chunk(b"three\n", start=8)])
        receiver.serve()
        await transport.send([a_chunk()])
        await transport.send([a_chunk(b"three\n", start=8)])
        assert {chunk.start for chunk in receiver.chunks()} == {0, 8}

    async def test_heartbeats_arrive(self, transport: Transport, receiver: Receiver) -> None:
        beat = Heartbeat(agent_id="a", host="h", version="1", sent_ns=2, started_ns=1, errors={"/x": "no"})
        await transport.heartbeat(beat)
        assert receiver.beats() == [beat]


class TestReceiversThatLookIntoChunks:
    async def test_a_chunk_that_is_never_wanted_is_refused(self, refusing: InMemory | OverHttp) -> None:
        refusing.refuse(b"abcdefghij")
        with pytest.raises(ChunkRefused):
            await refusing.transport.send([a_chunk(file_id=b"abcdefghij")])
        await refusing.transport.send([a_chunk()])
        assert [chunk.source.file_id for chunk in refusing.chunks()] == [b"0123456789"]


class TestHttp:
    @pytest.fixture
    async def over_http(self, sink: Sink) -> AsyncIterator[HttpTransport]:
        transport = HttpTransport(sink.url, timeout_s=10)
        yield transport
        await transport.close()

    @pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503])
    async def test_what_time_or_an_operator_may_mend_is_unavailable(
        self, sink: Sink, over_http: HttpTransport, status: int
    ) -> None:
        sink.answers.append(Answer(status))
        with pytest.raises(TransportUnavailable, match=str(status)):
            await over_http.send([a_chunk()])

    async def test_a_400_that_is_not_a_collectors_refuses_nothing(self, sink: Sink, over_http: HttpTransport) -> None:
        sink.answers.append(Answer(400, b"<html>plain HTTP was sent to an HTTPS port</html>"))
        with pytest.raises(TransportUnavailable, match="400"):
            await over_http.send([a_chunk()])

    async def test_a_200_that_is_not_a_collectors_acknowledges_nothing(
        self, sink: Sink, over_http: HttpTransport
    ) -> None:
        sink.answers.append(Answer(200, b"<html>welcome</html>"))
        with pytest.raises(TransportUnavailable, match="not as a collector"):
            await over_http.send([a_chunk()])

    async def test_a_retry_after_date_is_understood(self, sink: Sink, over_http: HttpTransport) -> None:
        sink.answers.append(Answer(429, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}))
        with pytest.raises(TransportUnavailable) as raised:
            await over_http.send([a_chunk()])
        assert raised.value.retry_after_s == 0

    async def test_nobody_there_is_unavailable(self, sink: Sink) -> None:
        with Sink() as gone:
            url = gone.url
        transport = HttpTransport(url, timeout_s=10)
        with pytest.raises(TransportUnavailable, match="cannot be reached"):
            await transport.send([a_chunk()])
        await transport.close()

    async def test_what_is_too_large_is_split_down_to_lines(self) -> None:
        lines = b"".join(
            b"%d %s\n" % (i, bytes((i * j * 7919) % 251 + 1 for j in range(300)).hex().encode()) for i in range(40)
        )
        with Sink(bytes_max=1500) as small:
            transport = HttpTransport(small.url, timeout_s=10)
            await transport.send([a_chunk(lines), a_chunk(file_id=b"abcdefghij")])
            await transport.close()
            arrived = b"".join(chunk.payload for chunk in small.chunks if chunk.source.file_id == b"0123456789")
            assert arrived == lines
            assert [chunk.start for chunk in small.chunks[1:-1]] == [chunk.end for chunk in small.chunks[:-2]]

    async def test_a_line_too_large_by_itself_is_refused(self) -> None:
        with Sink(bytes_max=100) as tiny:
            transport = HttpTransport(tiny.url, timeout_s=10)
            with pytest.raises(ChunkRefused, match="single line"):
                await transport.send([a_chunk(bytes(range(11, 256)) + b"\n")])
            await transport.close()
