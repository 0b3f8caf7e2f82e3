"""Putting dead letters back where they came from: into Kafka, for the collectors to read once more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from clew_agent.errors import TransportError
from clew_agent.kafka.failures import explain
from clew_agent.transport.kafka import KafkaTransport
from clew_agent.transport.kafka.producing import abandon, open_producer
from clew_agent.wire import decode_chunk
from clew_collector.errors import LogError
from clew_collector.log.kafka.settings import KafkaLogSettings

from .letter import Content, DeadLetter
from .protocol import DeadLetters

__all__ = ["put_back"]

METADATA_MAX_AGE_S = 300.0


async def put_back(
    letters: Sequence[DeadLetter], place: DeadLetters, settings: KafkaLogSettings, *, client_id: str
) -> None:
    """Send letters again, then take them away. LogError if that fails: those that were not sent stay letters.

    A line goes to its transaction's partition, under the same event id; a record to the partition where it stood. One
    that is refused again becomes a letter again.
    """
    await _send_lines([one for one in letters if one.content is Content.LINE], settings, client_id=client_id)
    await _send_records([one for one in letters if one.content is Content.RECORD], settings, client_id=client_id)
    await place.remove([letter.id for letter in letters])


async def _send_lines(letters: Sequence[DeadLetter], settings: KafkaLogSettings, *, client_id: str) -> None:
    if not letters:
        return
    transport = KafkaTransport(settings.address, settings, client_id=client_id, timeout_s=settings.timeout_s)
    try:
        await transport.send([decode_chunk(letter.payload) for letter in letters])
    except TransportError as error:
        raise LogError(f"letters could not be put back: {error.message}", hint=error.hint) from error
    finally:
        await transport.close()


async def _send_records(letters: Sequence[DeadLetter], settings: KafkaLogSettings, *, client_id: str) -> None:
    if not letters:
        return
    try:
        producer = await open_producer(
            settings.address,
            settings,
            client_id=client_id,
            record_bytes_max=settings.record_bytes_max,
            timeout_s=settings.timeout_s,
            metadata_max_age_s=METADATA_MAX_AGE_S,
        )
        try:
            async with asyncio.timeout(settings.timeout_s):
                for letter in letters:
                    await producer.send_and_wait(
                        letter.topic, letter.payload, partition=letter.partition, headers=list(letter.headers)
                    )
        finally:
            await abandon(producer)
    except (KafkaError, OSError) as error:  # TimeoutError is an OSError
        said = explain(error, settings.address, topics=list(dict.fromkeys(letter.topic for letter in letters)))
        raise LogError(f"letters could not be put back: {said.message}", hint=said.hint) from error
