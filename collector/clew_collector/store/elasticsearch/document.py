"""A document: how an event stands in Elasticsearch, and how it comes back. `encoding` makes them."""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache
from typing import Any

import msgspec

from clew_collector.event import Event, Link
from clew_collector.store.expression import KEYWORD_CHARACTERS_MAX

from .template import MARK_GENERATED, MARK_UNTIMED

__all__ = ["BODY_WORD", "SIGN", "VALUE_WORD", "Document", "attribute_prefix", "decode", "number_prefix", "signed"]

BODY_WORD, VALUE_WORD = "b", "v"
SIGN = 1 << 63

_unpack = msgspec.msgpack.Decoder(Event).decode


class Document(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`_source`. Empty values are left out; what each field is for stands in `template.py`."""

    timestamp: int = msgspec.field(default=0, name="@timestamp")
    time: int
    observed_timestamp: int
    severity_number: int
    severity_text: str = ""
    service: str = ""
    instance: str = ""
    host: str = ""
    source: str = ""
    offset: int
    length: int
    transaction_id: str = ""
    transaction_origin: str = ""
    aliases: tuple[str, ...] = ()
    span_id: str = ""
    parent_span_id: str = ""
    duration: int | None = None
    kind: str = ""
    status: str = ""
    links: tuple[Link, ...] = ()
    linked: list[str] = []
    body: str = ""
    attributes: dict[str, Any] = {}
    original: str = ""
    original_base64: str = ""
    file_id: str
    place_high: int
    place_low: int
    marks: list[str] = []
    words: str = ""
    values: list[str] = []
    long_words: list[str] = []
    terms: list[str] = []
    numbers: dict[str, float] = {}
    event: str = ""


def signed(place: int) -> tuple[int, int]:
    """Return a 128-bit place as two signed numbers that order like it."""
    return (place >> 64) - SIGN, (place & ((1 << 64) - 1)) - SIGN


@lru_cache(maxsize=4096)
def attribute_prefix(key: str) -> str:
    """Return what the terms of an attribute begin with; the NUL at its end is in no key."""
    return f"={_cut_key(key)}\0"


@lru_cache(maxsize=4096)
def number_prefix(key: str) -> str:
    """Return what the terms of an attribute's numbers begin with."""
    return f"#{_cut_key(key)}\0"


def _cut_key(key: str) -> str:
    return key[:KEYWORD_CHARACTERS_MAX].replace("\1", "\1\1").replace("\0", "\1\2")


def decode(event_id: str, document: Document) -> Event:
    """Return the event that a document was made of."""
    if document.event:
        return _unpack(b64decode(document.event))
    marks = document.marks
    original = b64decode(document.original_base64) if document.original_base64 else document.original.encode()
    return Event(
        event_id=event_id,
        timestamp=None if MARK_UNTIMED in marks else document.time,
        observed_timestamp=document.observed_timestamp,
        severity_number=document.severity_number,
        severity_text=document.severity_text,
        service=document.service,
        instance=document.instance,
        host=document.host,
        source=document.source,
        offset=document.offset,
        length=document.length,
        transaction_id=event_id if MARK_GENERATED in marks else document.transaction_id,
        transaction_origin=document.transaction_origin,
        aliases=document.aliases,
        span_id=document.span_id,
        parent_span_id=document.parent_span_id,
        duration=document.duration,
        kind=document.kind,
        status=document.status,
        links=document.links,
        body=document.body,
        attributes=document.attributes,
        original=original,
    )
