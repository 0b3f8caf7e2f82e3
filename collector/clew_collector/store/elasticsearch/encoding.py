"""From an event to its document, as JSON. Runs once for every line that Clew ever stores: measure each change.

A document is joined from three pieces of JSON: what many lines share (their writer, their severity), kept as it was
encoded the last time; the attributes, of which the same is true one by one; and what differs from line to line.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from clew_collector.event import Event, Link
from clew_collector.store.expression import KEYWORD_CHARACTERS_MAX, attribute_text
from clew_collector.store.matching import attribute_number
from clew_collector.store.number_code import number_code

from .document import BODY_WORD, SIGN, VALUE_WORD, attribute_prefix, number_prefix
from .template import MARK_BODY, MARK_GENERATED, MARK_UNTIMED
from .words import spaced

__all__ = ["encode"]

KEY_CHARACTERS_MAX = 256
"""A longer attribute key is found in `terms`, not in `attributes`."""
KEPT_CHARACTERS_MAX = 64
KEPT_NAMES_CHARACTERS_MAX = 1024
TERM_BYTES_MAX = 32_766
"""Lucene's."""
_names_field = re.compile(r"[A-Za-z0-9_@-]{1,64}(\.[A-Za-z0-9_@-]{1,64}){0,7}").fullmatch
"""Keys that can name a field: others would have the whole event refused."""

_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    """What differs from line to line, named as in `Document`. Made by place: looking up names takes longer."""

    timestamp: int = msgspec.field(name="@timestamp")
    time: int
    observed_timestamp: int
    offset: int
    length: int
    file_id: str
    place_high: int
    place_low: int
    marks: tuple[str, ...]
    span_id: str = ""
    parent_span_id: str = ""
    body: str = ""
    transaction_id: str = ""
    words: str = ""
    original: str = ""
    original_base64: str = ""
    aliases: tuple[str, ...] = ()
    duration: int | None = None
    links: tuple[Link, ...] = ()
    linked: list[str] = []
    long_words: list[str] = []
    event: str = ""


def encode(event: Event) -> bytes:
    """Return an admitted event's document as JSON, in one line."""
    event_id, time, body = event.event_id, event.timestamp, event.body
    marks = _MARKS[time is None, bool(body)]
    if time is None:
        time = event.observed_timestamp
    line = _Line(
        time // 1_000_000, time, event.observed_timestamp, event.offset, event.length, event_id[:20],
        int(event_id[:16], 16) - SIGN, int(event_id[16:], 16) - SIGN, marks,
        event.span_id, event.parent_span_id, body,
    )  # fmt: skip
    names = (
        event.service, event.instance, event.host, event.source, event.severity_text, event.transaction_origin,
        event.kind, event.status,
    )  # fmt: skip
    shared, exact = (_kept_shared if sum(map(len, names)) <= KEPT_NAMES_CHARACTERS_MAX else _shared)(
        event.severity_number, names
    )
    if event.transaction_id == event_id and event.transaction_origin == "generated":
        # A term that no other event has would cost as much as all others.
        line.marks = (*marks, MARK_GENERATED)
    else:
        line.transaction_id = event.transaction_id
    long_words: list[str] = []
    if body:
        line.words = spaced(body, long_words, BODY_WORD)
    attributes = b""
    if event.attributes:
        attributes, readable = _attributes(event.attributes, long_words)
        exact &= readable
    if long_words:
        line.long_words = long_words
    if event.aliases or event.links or event.duration is not None:
        exact &= _add_relations(line, event)
    if len(line.transaction_id) + len(line.span_id) + len(line.parent_span_id) > KEYWORD_CHARACTERS_MAX:
        exact &= _fit_ids(line)
    try:
        line.original = event.original.decode()
    except UnicodeDecodeError:
        line.original_base64 = b64encode(event.original).decode()
    if not exact:
        line.event = b64encode(_pack(event)).decode()
    return b"".join((b"{", shared, attributes, _json(line)[1:]))


_MARKS = {
    (False, False): (),
    (False, True): (MARK_BODY,),
    (True, False): (MARK_UNTIMED,),
    (True, True): (MARK_UNTIMED, MARK_BODY),
}


class _Shared(NamedTuple):
    """Fields of a document with a comma at the end, and whether they say it exactly."""

    json: bytes
    exact: bool


_NAMES = ("service", "instance", "host", "source", "severity_text", "transaction_origin", "kind", "status")


def _shared(severity_number: int, names: tuple[str, ...]) -> _Shared:
    """Return the fields that many lines share; keywords that are too long are cut."""
    said: dict[str, Any] = {"severity_number": severity_number}
    said |= {key: name[:KEYWORD_CHARACTERS_MAX] for key, name in zip(_NAMES, names, strict=True) if name}
    return _Shared(_json(said)[1:-1] + b",", max(map(len, names)) <= KEYWORD_CHARACTERS_MAX)


_kept_shared = lru_cache(maxsize=8192, typed=True)(_shared)


def _add_relations(line: _Line, event: Event) -> bool:
    """Add what ties an event to others; return whether its keywords say it exactly."""
    line.duration, line.links = event.duration, event.links
    line.linked = [link.transaction_id[:KEYWORD_CHARACTERS_MAX] for link in event.links if link.transaction_id]
    line.aliases = tuple(alias[:KEYWORD_CHARACTERS_MAX] for alias in event.aliases if alias)
    return line.aliases == event.aliases


def _fit_ids(line: _Line) -> bool:
    """Cut ids that are too long for a keyword; return whether there was none."""
    if max(len(line.transaction_id), len(line.span_id), len(line.parent_span_id)) <= KEYWORD_CHARACTERS_MAX:
        return True
    line.transaction_id = line.transaction_id[:KEYWORD_CHARACTERS_MAX]
    line.span_id = line.span_id[:KEYWORD_CHARACTERS_MAX]
    line.parent_span_id = line.parent_span_id[:KEYWORD_CHARACTERS_MAX]
    return False


def _attributes(attributes: dict[str, Any], long_words: list[str]) -> tuple[bytes, bool]:
    """Return the attributes in every form, a comma at the end, and whether the readable one says them exactly."""
    read: list[bytes] = []
    terms: list[bytes] = []
    values: list[bytes] = []
    numbers: list[bytes] = []
    exact = True
    for key, value in attributes.items():
        # Values repeat from line to line. What is equal and written otherwise (0.0 and -0.0), or long, is not kept.
        kind = type(value)
        short = (kind is int or (kind is str and len(value) <= KEPT_CHARACTERS_MAX)) and len(key) <= KEY_CHARACTERS_MAX
        readable, words, found, number, long = _kept_forms(key, value) if short else _forms(key, value)
        if readable:
            read.append(readable)
        else:
            exact = False
        if words:
            values.append(words)
            terms += found
            if number:
                numbers.append(number)
            if long:
                long_words += long
    return b"".join(
        (
            b'"attributes":{', b",".join(read), b'},"terms":[', b",".join(terms), b'],"values":[', b",".join(values),
            b'],"numbers":{', b",".join(numbers), b"},",
        )
    ), exact  # fmt: skip


class _Forms(NamedTuple):
    """What an attribute is found by, as JSON; empty where it has no such form."""

    read: bytes
    words: bytes = b""
    """Empty where there is no value."""
    terms: tuple[bytes, ...] = ()
    number: bytes = b""
    long_words: tuple[str, ...] = ()


def _forms(key: str, value: Any) -> _Forms:
    named = b"%b:" % _json(key)
    read = named + _json(value) if _is_readable(key, value) else b""
    text = value if type(value) is str else attribute_text(value)
    if value is None or not text:
        return _Forms(read)
    long_words: list[str] = []
    words = _json(spaced(text, long_words, VALUE_WORD))
    term = attribute_prefix(key) + text[:KEYWORD_CHARACTERS_MAX]
    fits = len(term) * 4 <= TERM_BYTES_MAX or len(term.encode()) <= TERM_BYTES_MAX
    terms = [_json(term)] if fits else []
    number = None if type(value) is str else attribute_number(value)
    if number is not None:
        terms.append(_json(f"{number_prefix(key)}{number_code(number):016x}"))
    field = named + _json(number) if number is not None and _names_field(key) else b""
    return _Forms(read, words, tuple(terms), field, tuple(long_words))


_kept_forms = lru_cache(maxsize=16_384, typed=True)(_forms)


def _is_readable(key: str, value: Any) -> bool:
    return (
        bool(key)
        and len(key) <= KEY_CHARACTERS_MAX
        and "\0" not in key
        and (type(value) is not float or isfinite(value))
    )
