"""Dead letters in a topic: one record a letter, its id the key; what was put back gets an empty record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from clew_agent.kafka import FORMAT_HEADER, Format
from clew_agent.kafka.failures import explain
from clew_agent.transport.kafka.producing import abandon, open_producer
from clew_collector.errors import LogError
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.log.kafka.whole import read_whole

from .letter import DeadLetter
from .memory import fold

__all__ = ["KafkaDeadLetters"]

# A letter is a record and what we say of it.
ENVELOPE_BYTES_MAX = 64 << 10
METADATA_MAX_AGE_S = 300.0

_HEADERS = [(FORMAT_HEADER, Format.DEAD_LETTER.encode())]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode


class KafkaDeadLetters:
    """Implements `DeadLetters`. Connects when the first letter comes."""

    def __init__(self, settings: KafkaLogSettings, *, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._topic = settings.address.topics.dead_letters
        self._producer: AIOKafkaProducer | None = None

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters`."""
        await self._send([(letter.id, _encode(letter)) for letter in letters])

    async def letters(self) -> list[DeadLetter]:
        """See `DeadLetters`."""
        kept: dict[str, DeadLetter] = {}
        async for record in read_whole(self._settings, self._topic, client_id=self._client_id):
            if record.value:
                fold(kept, [_decode(record.value)])
            else:
                kept.pop((record.key or b"").decode(), None)
        return list(kept.values())

    async def remove(self, ids: Sequence[str]) -> None:
        """See `DeadLetters`."""
        await self._send([(letter_id, None) for letter_id in ids])

    async def close(self) -> None:
        """See `DeadLetters`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon(producer)

    async def _send(self, records: Sequence[tuple[str, bytes | None]]) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                producer = self._producer or await self._open()
                sent = [
                    await producer.send(self._topic, value, key=letter_id.encode(), partition=0, headers=_HEADERS)
                    for letter_id, value in records
                ]
                await asyncio.gather(*sent)
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            await self.close()
            said = explain(error, self._settings.address, topics=[self._topic])
            raise LogError(f"dead letters cannot be kept: {said.message}", hint=said.hint) from error

    async def _open(self) -> AIOKafkaProducer:
        self._producer = await open_producer(
            self._settings.address,
            self._settings,
            client_id=self._client_id,
            record_bytes_max=self._settings.record_bytes_max + ENVELOPE_BYTES_MAX,
            timeout_s=self._settings.timeout_s,
            metadata_max_age_s=METADATA_MAX_AGE_S,
        )
        return self._producer
