"""From an event to its document and back. Runs once for every line that Clew ever stores: measure each change."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from clew_collector.event import Event, Link
from clew_collector.store.expression import KEYWORD_CHARACTERS_MAX, attribute_text
from clew_collector.store.matching import attribute_number
from clew_collector.store.number_code import number_code

from .template import MARK_BODY, MARK_GENERATED, MARK_UNTIMED
from .words import spaced

__all__ = ["BODY_WORD", "VALUE_WORD", "Document", "attribute_prefix", "decode", "encode", "number_prefix", "signed"]

BODY_WORD, VALUE_WORD = "b", "v"
KEY_CHARACTERS_MAX = 256
"""A longer attribute key is found in `terms`, not in `attributes`."""
KEPT_CHARACTERS_MAX = 64
TERM_BYTES_MAX = 32_766
"""Lucene's."""
_SIGN = 1 << 63
_names_field = re.compile(r"[A-Za-z0-9_@-]{1,64}(\.[A-Za-z0-9_@-]{1,64}){0,7}").fullmatch
"""Keys that can name a field: others would have the whole event refused."""

_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
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
    return (place >> 64) - _SIGN, (place & ((1 << 64) - 1)) - _SIGN


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


def encode(event: Event) -> bytes:
    """Return an admitted event's document as JSON, in one line."""
    event_id = event.event_id
    high, low = signed(int(event_id, 16))
    time = event.time
    document = Document(
        timestamp=time // 1_000_000, time=time, observed_timestamp=event.observed_timestamp,
        severity_number=event.severity_number, severity_text=event.severity_text, service=event.service,
        instance=event.instance, host=event.host, source=event.source, offset=event.offset, length=event.length,
        transaction_origin=event.transaction_origin, span_id=event.span_id, parent_span_id=event.parent_span_id,
        aliases=event.aliases, duration=event.duration, kind=event.kind, status=event.status, links=event.links,
        body=event.body, file_id=event_id[:20], place_high=high, place_low=low, marks=[],
    )  # fmt: skip
    exact = _fit_keywords(document, event)
    if event.transaction_id == event_id and event.transaction_origin == "generated":
        # A term that no other event has would cost as much as all others.
        document.marks.append(MARK_GENERATED)
    elif len(event.transaction_id) <= KEYWORD_CHARACTERS_MAX:
        document.transaction_id = event.transaction_id
    else:
        document.transaction_id, exact = event.transaction_id[:KEYWORD_CHARACTERS_MAX], False
    if event.timestamp is None:
        document.marks.append(MARK_UNTIMED)
    long_words: list[str] = []
    if event.body:
        document.marks.append(MARK_BODY)
        document.words = spaced(event.body, long_words, BODY_WORD)
    if event.links:
        document.linked = [link.transaction_id[:KEYWORD_CHARACTERS_MAX] for link in event.links if link.transaction_id]
    if event.attributes:
        exact &= _add_attributes(document, event.attributes, long_words)
    if long_words:
        document.long_words = long_words
    if event.original:
        try:
            document.original = event.original.decode()
        except UnicodeDecodeError:
            document.original_base64 = b64encode(event.original).decode()
    if not exact:
        document.event = b64encode(_pack(event)).decode()
    return _json(document)


_LONG_FIELDS = (
    "severity_text", "service", "instance", "host", "source", "transaction_origin", "span_id", "parent_span_id",
    "kind", "status",
)  # fmt: skip


def _fit_keywords(document: Document, event: Event) -> bool:
    """Cut keywords that are too long, leave empty ones out; return whether there was neither."""
    sizes = len(event.service) + len(event.host) + len(event.source) + len(event.instance) + len(event.severity_text)
    sizes += len(event.transaction_origin) + len(event.span_id) + len(event.parent_span_id)
    sizes += len(event.kind) + len(event.status) + sum(map(len, event.aliases))
    if sizes <= KEYWORD_CHARACTERS_MAX and "" not in event.aliases:
        return True
    for name in _LONG_FIELDS:
        setattr(document, name, getattr(event, name)[:KEYWORD_CHARACTERS_MAX])
    document.aliases = tuple(alias[:KEYWORD_CHARACTERS_MAX] for alias in event.aliases if alias)
    return False


def _add_attributes(document: Document, attributes: dict[str, Any], long_words: list[str]) -> bool:
    """Add the attributes in every form; return whether the readable one says them exactly."""
    terms: list[str] = []
    values: list[str] = []
    numbers: dict[str, float] = {}
    exact = True
    for key, value in attributes.items():
        # Values repeat from line to line. What is equal and written otherwise (0.0 and -0.0), or long, is not kept.
        kind = type(value)
        make = _kept_forms if kind is int or (kind is str and len(value) <= KEPT_CHARACTERS_MAX) else _forms
        forms = make(key, value)
        exact &= forms.readable
        if forms.words is None:
            continue
        terms += forms.terms
        if forms.number is not None:
            numbers[key] = forms.number
        values.append(spaced(value, long_words, VALUE_WORD) if forms.long else forms.words)
    document.terms, document.values, document.numbers = terms, values, numbers
    if not exact:
        attributes = {key: value for key, value in attributes.items() if _is_readable(key, value)}
    document.attributes = attributes
    return exact


class _Forms(NamedTuple):
    """What an attribute is found by."""

    words: str | None
    """None where there is no value."""
    terms: tuple[str, ...] = ()
    number: float | None = None
    readable: bool = True
    long: bool = False
    """It has a token that is too long for a word."""


def _forms(key: str, value: Any) -> _Forms:
    readable = _is_readable(key, value)
    text = value if type(value) is str else attribute_text(value)
    if value is None or not text:
        return _Forms(None, readable=readable)
    long_words: list[str] = []
    words = spaced(text, long_words, VALUE_WORD)
    term = attribute_prefix(key) + text[:KEYWORD_CHARACTERS_MAX]
    fits = len(term) * 4 <= TERM_BYTES_MAX or len(term.encode()) <= TERM_BYTES_MAX
    terms = [term] if fits else []
    number = None if type(value) is str else attribute_number(value)
    if number is not None:
        terms.append(f"{number_prefix(key)}{number_code(number):016x}")
    field = number if _names_field(key) else None
    return _Forms(words, tuple(terms), field, readable, bool(long_words))


_kept_forms = lru_cache(maxsize=16_384, typed=True)(_forms)


def _is_readable(key: str, value: Any) -> bool:
    return (
        bool(key)
        and len(key) <= KEY_CHARACTERS_MAX
        and "\0" not in key
        and (type(value) is not float or isfinite(value))
    )


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
