"""Chunks to Kafka. Acknowledged means: by all in-sync replicas, of every partition that a chunk's lines belong to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
import zstandard
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from clew_agent.clock import TimeExchange
from clew_agent.errors import TransportUnavailable
from clew_agent.kafka import FORMAT_HEADER, Format, KafkaAddress, KafkaSettings
from clew_agent.kafka.failures import explain, is_too_large
from clew_agent.kafka.murmurs import Murmurs
from clew_agent.metrics import Metrics
from clew_agent.wire import Chunk, Heartbeat

from .parcels import Parcel, Shipment, pack
from .producing import abandon, open_producer

__all__ = ["KafkaTransport"]

# Below this no chunk with its names fits.
RECORD_BYTES_MIN = 4_000
# A topic that got more partitions is seen after so long.
METADATA_MAX_AGE_S = 30.0

_CHUNK_HEADERS = [(FORMAT_HEADER, Format.CHUNK.encode())]
_HEARTBEAT_HEADERS = [(FORMAT_HEADER, Format.HEARTBEAT.encode())]

_log = structlog.get_logger()


class KafkaTransport:
    """One producer at a time, which is made when it is needed, and made anew when it failed.

    While brokers are away the producer repeats by itself; `send` gives up waiting after `timeout_s`, and when it is
    called with the same chunks again, it goes on waiting for those that are still under way. So an outage doubles
    nothing, unless the producer itself has failed.
    """

    def __init__(
        self,
        address: KafkaAddress,
        settings: KafkaSettings,
        *,
        client_id: str,
        timeout_s: float = 30.0,
        compression_level: int = 1,
        metadata_max_age_s: float = METADATA_MAX_AGE_S,
        metrics: Metrics | None = None,
    ) -> None:
        self._metadata_max_age_s = metadata_max_age_s
        self._address = address
        self._settings = settings
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._level = compression_level
        self._metrics = metrics
        self._record_bytes_max = settings.record_bytes_max
        self._murmurs = Murmurs.listen()
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._shipment = Shipment(())
        self._beat: asyncio.Future[Any] | None = None

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """See Transport."""
        began = time.monotonic()
        producer = await self._open(began)
        if not (self._shipment.parcels and self._shipment.is_of(chunks)):
            self._shipment = Shipment(chunks, await self._pack(producer, chunks, began))
        shipment = self._shipment
        for parcel in shipment.parcels:
            if parcel.task is None:
                parcel.task = asyncio.create_task(self._produce(producer, parcel))
        await asyncio.wait(
            [parcel.task for parcel in shipment.parcels if parcel.task],
            timeout=max(0.0, began + self._timeout_s - time.monotonic()),
            return_when=asyncio.FIRST_EXCEPTION,
        )
        failures = shipment.settle()
        if failures:
            unavailable = self._unavailable(failures[0], began)
            await self._renew(failures)
            raise unavailable
        if shipment.parcels:
            raise self._unavailable(None, began)
        self._shipment = Shipment(())

    async def heartbeat(self, beat: Heartbeat) -> None:
        """See Transport. While one is under way no other is begun: the next will say all that it would have said."""
        began = time.monotonic()
        producer = await self._open(began)
        if self._beat is None or self._beat.done():
            value = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(beat))
            sending = producer.send_and_wait(
                self._address.topics.agents, value, key=beat.agent_id.encode(), headers=_HEARTBEAT_HEADERS
            )
            self._beat = asyncio.ensure_future(sending)
            # It may fail when nobody waits any more; the next one says why.
            self._beat.add_done_callback(lambda beat: beat.cancelled() or beat.exception())
        await asyncio.wait({self._beat}, timeout=self._timeout_s)
        if not self._beat.done():
            raise self._unavailable(None, began)
        if error := self._beat.exception():
            raise self._unavailable(error, began, topic=self._address.topics.agents)

    async def exchange_time(self) -> TimeExchange | None:
        """See Transport. A broker tells when it appended, which bounds a clock from one side only: it is not asked."""
        return None

    async def close(self) -> None:
        """See Transport."""
        await self._give_up_producer()

    async def _open(self, began: float) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                try:
                    self._producer = await open_producer(
                        self._address,
                        self._settings,
                        client_id=self._client_id,
                        record_bytes_max=self._record_bytes_max,
                        timeout_s=self._timeout_s,
                        metadata_max_age_s=self._metadata_max_age_s,
                    )
                except (KafkaError, OSError) as error:  # TimeoutError is an OSError
                    raise self._unavailable(error, began) from error
            return self._producer

    async def _pack(self, producer: AIOKafkaProducer, chunks: Sequence[Chunk], began: float) -> list[Parcel]:
        topic = self._address.topics.events
        try:
            async with asyncio.timeout(self._timeout_s):
                partitions = await producer.partitions_for(topic)
        except (KafkaError, OSError) as error:
            # The library asks for a topic that is not there until time is up, and so is its reason.
            missing = UnknownTopicOrPartitionError() if isinstance(error, TimeoutError) else error
            raise self._unavailable(missing, began) from error
        packed = await asyncio.to_thread(
            pack, chunks, partitions=len(partitions), bytes_max=self._record_bytes_max, level=self._level
        )
        if packed.cut_lines:
            _log.warning(
                "Lines over the limit of a record were cut.",
                lines=packed.cut_lines, bytes=packed.cut_bytes, record_bytes_max=self._record_bytes_max,
            )  # fmt: skip
            if self._metrics:
                self._metrics.count("clew_agent_cut", packed.cut_bytes)
        return packed.parcels

    async def _produce(self, producer: AIOKafkaProducer, parcel: Parcel) -> None:
        """Return once every record of the parcel is acknowledged."""
        under_way: list[asyncio.Future[Any]] = []
        topic = self._address.topics.events
        try:
            for record in parcel.records:
                sending = producer.send(topic, record, partition=parcel.partition, headers=_CHUNK_HEADERS)
                under_way.append(await sending)
            await asyncio.gather(*under_way)
        except BaseException:
            for one in under_way:
                # One has failed or all are called back: nobody looks at the others' outcomes any more.
                if not one.cancel() and not one.cancelled():
                    one.exception()
            raise

    async def _renew(self, failures: Sequence[BaseException]) -> None:
        """Take leave of a producer that failed: its sequence numbers are broken, a new one begins new ones."""
        shipment = self._shipment
        await self._give_up_producer()
        if any(is_too_large(failure) for failure in failures) and self._record_bytes_max > RECORD_BYTES_MIN:
            self._record_bytes_max = max(self._record_bytes_max // 2, RECORD_BYTES_MIN)
            _log.warning("The topic takes smaller records only.", record_bytes_max=self._record_bytes_max)
            # Packed anew, and smaller, by the next call; what arrived already goes again, under the same event ids.
            shipment.parcels = []

    async def _give_up_producer(self) -> None:
        async with self._opening:
            producer, self._producer = self._producer, None
            if producer is not None:
                await self._shipment.call_back()
                if self._beat is not None:
                    self._beat.cancel()
                await abandon(producer)

    def _unavailable(self, error: BaseException | None, began: float, *, topic: str = "") -> TransportUnavailable:
        murmur = self._murmurs.since(began)
        said = explain(error, self._address, murmur=murmur, topics=[topic or self._address.topics.events])
        return TransportUnavailable(said.message, hint=said.hint)
