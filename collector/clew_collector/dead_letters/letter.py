"""One dead letter, and making it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from clew_agent.wire import Chunk, encode_chunk
from clew_collector.event import Event
from clew_collector.log.protocol import Place

__all__ = ["Content", "DeadLetter", "of_event", "of_record"]


class Content(StrEnum):
    """What a letter's payload is."""

    LINE = "line"
    """A chunk of one line, as it goes over the wire: the store did not take the event made of it."""
    RECORD = "record"
    """A record of a topic, as it stood there: it could not be read at all."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What was given up, whole: put back, it is what it was."""

    id: str
    """The event's id; of a record `topic/partition/offset`. The same thing given up again has the same id."""
    content: Content
    payload: bytes
    reason: str
    topic: str
    partition: int
    offset: int
    """Where it stood in the log; see `Place`."""
    headers: tuple[tuple[str, bytes], ...] = ()
    """Of a record: its headers."""
    buried_ns: int
    """When it was given up last, ns UTC."""
    count: int = 1
    """How often it was given up, as far as is known."""
    source: str = ""
    host: str = ""
    service: str = ""
    """Of a line: where it came from."""


def of_event(event: Event, line: Chunk, place: Place, *, reason: str, now_ns: int) -> DeadLetter:
    """Return the letter of an event that the store rejected; `line` is the chunk of its line alone."""
    return DeadLetter(
        id=event.event_id,
        content=Content.LINE,
        payload=encode_chunk(line),
        reason=reason,
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        buried_ns=now_ns,
        source=event.source,
        host=event.host,
        service=event.service,
    )


def of_record(
    place: Place, value: bytes, headers: tuple[tuple[str, bytes], ...], *, reason: str, now_ns: int
) -> DeadLetter:
    """Return the letter of a record that holds nothing that we can read."""
    return DeadLetter(
        id=f"{place.topic}/{place.partition}/{place.offset}",
        content=Content.RECORD,
        payload=value,
        reason=reason,
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        headers=headers,
        buried_ns=now_ns,
    )
