"""A producer's life: opened when needed, given up at once when it failed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.kafka.connection import connection_options

__all__ = ["abandon", "open_producer"]

# A topic that got more partitions is seen after so long.
METADATA_MAX_AGE_S = 30.0
# What a batch and a record take beside the value: 61 and at most 21 bytes, and the header (KIP-98, record format v2).
OVERHEAD_BYTES = 512
ABANDON_WAIT_S = 5.0


async def open_producer(
    address: KafkaAddress, settings: KafkaSettings, *, client_id: str, record_bytes_max: int, timeout_s: float
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
        metadata_max_age_ms=int(METADATA_MAX_AGE_S * 1000),
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
    # The library's own `stop` first waits until everything is delivered, which may be never.
    producer._message_accumulator.fail_all(KafkaError("the producer is given up"))
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(ABANDON_WAIT_S):
            # Requests that wait for an answer end with their connections.
            await producer.client.close()
            await producer.stop()
