"""A producer's life: opened when needed, given up at once when it failed."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer

from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.kafka.connection import connection_options

__all__ = ["abandon", "open_producer"]

# What a batch and a record take beside the value: 61 and at most 21 bytes, and the header (KIP-98, record format v2).
OVERHEAD_BYTES = 512
ABANDON_WAIT_S = 5.0
ABANDON_POLL_S = 0.02

_log = structlog.get_logger()


async def open_producer(
    address: KafkaAddress,
    settings: KafkaSettings,
    *,
    client_id: str,
    record_bytes_max: int,
    timeout_s: float,
    metadata_max_age_s: float,
) -> AIOKafkaProducer:
    """Return a producer that is connected. KafkaError, OSError or TimeoutError if that fails; then nothing stays open.

    Idempotent with `acks=all`: it repeats what failed by itself, without end and without doubles. It does not linger,
    for it is given whole batches and asked to wait for them (docs/adr/0008-agent-to-kafka.md), and does not compress,
    for chunks are.
    """
    producer = AIOKafkaProducer(
        **connection_options(address, settings, client_id=client_id),
        acks="all",
        enable_idempotence=True,
        compression_type=None,
        linger_ms=0,
        max_batch_size=record_bytes_max + OVERHEAD_BYTES,
        max_request_size=record_bytes_max + OVERHEAD_BYTES,
        request_timeout_ms=int(timeout_s * 1000),
        metadata_max_age_ms=int(metadata_max_age_s * 1000),
    )
    try:
        async with asyncio.timeout(timeout_s):
            await producer.start()
    except BaseException:
        await abandon(producer)
        raise
    return producer


async def abandon(producer: Any) -> None:
    """Close a producer without waiting for what it has; all of that counts as not acknowledged."""
    # The library's own `stop` first waits until everything is delivered, which may be never. So here its parts end: the
    # sender, which ends when its requests do, which end with their connections.
    sender: asyncio.Task[None] | None = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
    await _hang_up(producer.client)
    if sender is not None and not await _ended(sender, producer.client):
        _log.warning("A producer that was given up did not end in time.", wait_s=ABANDON_WAIT_S)
    # A request that was about to be sent may have made a connection meanwhile.
    await _hang_up(producer.client)
    producer._closed = True


async def _hang_up(client: Any) -> None:
    """Close every connection at once: what still waits to be written may never be, so it is not waited for."""
    for connection in client._conns.values():
        if connection.connected():
            connection._writer.transport.abort()
    await client.close()


async def _ended(sender: asyncio.Task[None], client: Any) -> bool:
    """Return whether the sender ended within `ABANDON_WAIT_S`."""
    deadline = asyncio.get_running_loop().time() + ABANDON_WAIT_S
    while not sender.done() and asyncio.get_running_loop().time() < deadline:
        # A request that failed waits for metadata, which nobody brings any more.
        if (update := client._md_update_fut) is not None and not update.done():
            update.set_result(False)
        await asyncio.wait({sender}, timeout=ABANDON_POLL_S)
    return sender.done()
