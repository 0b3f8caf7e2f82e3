"""What a message holds: a chunk of ours, what others wrote, or poison. Pure; CPU work only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from aiokafka import ConsumerRecord

from clew_agent.errors import ChunkError
from clew_agent.wire import Chunk, decode_chunk
from clew_collector.errors import MessageError
from clew_collector.foreign import ORIGIN_HEADER, ForeignDecoder, Form, Message, Origin, form_of
from clew_collector.log.foreign import ForeignChunk, Headers
from clew_collector.log.protocol import Place
from clew_collector.normalise import Normaliser

from .settings import KafkaLogSettings

__all__ = ["Content", "MessageReader"]

NS_PER_MS = 1_000_000
# Messages of others are small; that many share one way into a thread.
MESSAGES_AT_ONCE_MAX = 1000


@dataclass(frozen=True, slots=True)
class Content:
    """What a message holds, and where it stands."""

    chunk: Chunk | ForeignChunk | None
    """None where there is nothing to store."""
    place: Place
    value: bytes
    headers: Headers
    poison: str = ""
    """Why the message, or a part of it, cannot be read; then it belongs into the dead letters."""


class MessageReader:
    """Reads messages of our topic, and of others' topics in the forms that settings or headers say."""

    def __init__(self, settings: KafkaLogSettings) -> None:
        self._own = settings.address.topics.events
        self._forms = {one.topic: Form(one.form) if one.form else None for one in settings.foreign_topics}
        self._decoder = ForeignDecoder(Normaliser())

    def run_of(self, messages: Sequence[ConsumerRecord], *, bytes_max: int) -> list[ConsumerRecord]:
        """Return how many of the first messages to read at once: one of ours, or so many small ones of others."""
        run: list[ConsumerRecord] = []
        size = 0
        for message in takewhile(self._is_foreign, messages):
            size += len(message.value or b"")
            if run and (size > bytes_max or len(run) >= MESSAGES_AT_ONCE_MAX):
                break
            run.append(message)
        return run or [messages[0]]

    def read(self, messages: Iterable[ConsumerRecord]) -> list[Content]:
        """Return what each message holds."""
        return [self._foreign(message) if self._is_foreign(message) else _ours(message) for message in messages]

    def _form(self, message: ConsumerRecord) -> Form | None:
        return form_of(message.headers, self._forms.get(message.topic))

    def _is_foreign(self, message: ConsumerRecord) -> bool:
        # Into our own topic others may write, too, if a header says what.
        return message.topic != self._own or self._form(message) is not None

    def _foreign(self, message: ConsumerRecord) -> Content:
        origin = Origin.found(message.headers) or Origin(
            message.topic, message.partition, message.offset, max(0, message.timestamp)
        )
        headers = (*(one for one in _headers(message) if one[0] != ORIGIN_HEADER), origin.header)
        place, value = Place(*origin[:3]), message.value or b""
        form = self._form(message)
        if form is None:
            reason = "neither the topic's setting nor a header `clew-form` says what the message is"
            return Content(None, place, value, headers, reason)
        try:
            decoded = self._decoder.decode(Message(*origin[:3], origin.timestamp_ms * NS_PER_MS, value), form)
        except MessageError as error:
            return Content(None, place, value, headers, error.message)
        chunk = ForeignChunk(tuple(decoded.events), value, headers) if decoded.events else None
        return Content(chunk, place, value, headers, decoded.rejected)


def _ours(message: ConsumerRecord) -> Content:
    place, value = Place(message.topic, message.partition, message.offset), message.value or b""
    try:
        return Content(decode_chunk(value), place, value, _headers(message))
    except ChunkError as error:
        return Content(None, place, value, _headers(message), error.message)


def _headers(message: ConsumerRecord) -> Headers:
    return tuple((name, value or b"") for name, value in message.headers)
