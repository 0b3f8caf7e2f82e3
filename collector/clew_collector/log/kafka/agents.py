"""Agents' heartbeats in a topic: each process that wants to know them reads it, and keeps the last ones in memory."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Self

import msgspec
import structlog
import zstandard
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from clew_agent.errors import TransportError
from clew_agent.kafka.connection import connection_options
from clew_agent.kafka.failures import explain
from clew_agent.transport.kafka import KafkaTransport
from clew_agent.wire import FileLedger, Heartbeat
from clew_collector.agents import Agents
from clew_collector.errors import LogError

from .settings import KafkaLogSettings
from .whole import assign_all, read_whole

__all__ = ["KafkaAgents", "decode_heartbeat"]

RETRY_WAIT_S = 5.0
POLL_MS = 1000
HEARTBEAT_BYTES_MAX = 64 << 20

_log = structlog.get_logger()
_decode = msgspec.msgpack.Decoder(Heartbeat).decode


def decode_heartbeat(value: bytes) -> Heartbeat | None:
    """Return the heartbeat in a record, None if it holds none."""
    try:
        if not 0 <= zstandard.frame_content_size(value) <= HEARTBEAT_BYTES_MAX:
            return None
        return _decode(zstandard.ZstdDecompressor().decompress(value))
    except (zstandard.ZstdError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


class KafkaAgents(Agents):
    """See `Agents`. What this process is told by HTTP goes to the topic, so that all others hear of it."""

    _settings: KafkaLogSettings
    _client_id: str
    _transport: KafkaTransport
    _following: asyncio.Task[None]

    @classmethod
    def follow(
        cls,
        settings: KafkaLogSettings,
        *,
        client_id: str,
        clock: Callable[[], int] = time.time_ns,
        **limits: int,
    ) -> Self:
        """Begin to read the topic; failures are told and repeated until `close`."""
        agents = cls.in_memory(clock=clock, **limits)
        agents._settings = settings
        agents._client_id = client_id
        agents._transport = KafkaTransport(
            settings.address, settings, client_id=client_id, timeout_s=settings.timeout_s
        )
        agents._following = asyncio.create_task(agents._follow(), name="clew-agents")
        return agents

    async def record(self, beat: Heartbeat) -> None:
        """See `Agents.record`."""
        try:
            await self._transport.heartbeat(beat)
        except TransportError as error:
            raise LogError(error.message, hint=error.hint) from error

    async def ledgers(self) -> dict[str, FileLedger]:
        """See `Agents.ledgers`; as the topic has them now."""
        topic = self._settings.address.topics.agents
        async for record in read_whole(self._settings, topic, client_id=self._client_id):
            await self._take(record)
        return await super().ledgers()

    async def close(self) -> None:
        """Stop reading."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._transport.close()
        await super().close()

    async def _take(self, record: ConsumerRecord) -> None:
        beat = decode_heartbeat(record.value or b"")
        if beat is None:
            _log.warning("A record among the heartbeats is none.", partition=record.partition, offset=record.offset)
        else:
            await super().record(beat)

    async def _follow(self) -> None:
        told = ""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError, LogError, sqlite3.Error) as error:
                said = explain(error, self._settings.address, topics=[self._settings.address.topics.agents])
                if said.message != told:
                    _log.error("Heartbeats cannot be read and are tried again.", error=said.message, hint=said.hint)
                told = said.message
            await asyncio.sleep(RETRY_WAIT_S)

    async def _read(self) -> None:
        options: dict[str, Any] = connection_options(self._settings.address, self._settings, client_id=self._client_id)
        consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await consumer.start()
                await assign_all(consumer, self._settings.address.topics.agents)
            while True:
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        await self._take(record)
        finally:
            await consumer.stop()
