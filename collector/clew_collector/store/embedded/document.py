"""From an event to the fields of its document. Runs once for every line that Clew ever stores: measure each change."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from clew_collector.event import Event
from clew_collector.store.expression import attribute_text
from clew_collector.store.matching import ATTRIBUTE_PREFIX, attribute_number, has_generated_id, keyword

from .schema import (
    MARK_BODYLESS,
    MARK_GENERATED,
    MARK_IRREGULAR,
    MARK_LASTING,
    MARK_RECORD,
    MARK_UNTIMED,
    RECORD_FIELD,
)
from .terms import indexable, number_term, term, term_prefix

__all__ = ["decode_event", "document_fields"]

_encode = msgspec.msgpack.Encoder().encode
decode_event = msgspec.msgpack.Decoder(Event).decode
_BODYLESS, _GENERATED, _IRREGULAR, _LASTING, _RECORD, _UNTIMED = (
    term("mark", mark)
    for mark in (MARK_BODYLESS, MARK_GENERATED, MARK_IRREGULAR, MARK_LASTING, MARK_RECORD, MARK_UNTIMED)
)
SOURCE_FIELDS = ("service", "host", "instance", "source", "severity_text", "transaction_origin")
_source_of = attrgetter(*SOURCE_FIELDS)
_regular = re.compile(r"[0-9a-f]{32}").fullmatch


def document_fields(position: int, event: Event) -> dict[str, Any]:
    """Return the fields of an admitted event's document."""
    event_id = event.event_id
    terms = list(_source_terms(_source_of(event), event.file_id))
    if not event.file_id:
        terms += (term(RECORD_FIELD, event_id), _RECORD)
    _add_ids(terms, event)
    fields: dict[str, Any] = {
        "position": position,
        "time": event.time,
        "observed_timestamp": event.observed_timestamp,
        "place_high": int(event_id[:16], 16),
        "place_low": int(event_id[16:], 16),
        "offset": event.offset,
        "length": event.length,
        "severity_number": event.severity_number,
        "terms": terms,
        "event": _encode(event),
    }
    if event.body:
        fields["body"] = indexable(event.body)
    else:
        terms.append(_BODYLESS)
    if event.timestamp is None:
        terms.append(_UNTIMED)
    if event.duration is not None or event.kind or event.status or event.links:
        _add_span(fields, terms, event)
    if event.attributes:
        fields["values"] = _add_attributes(terms, event.attributes)
    return fields


@lru_cache(maxsize=4096)
def _source_terms(values: tuple[str, ...], file: str) -> tuple[str, ...]:
    """Return the terms that most lines of a file share, so that they are made once."""
    return (
        *(term(field, value) for field, value in zip(SOURCE_FIELDS, values, strict=True) if value),
        *([term("file", file)] if file else ()),
    )


def _add_span(fields: dict[str, Any], terms: list[str], event: Event) -> None:
    if event.duration is not None:
        fields["duration"] = event.duration
        terms.append(_LASTING)
    if event.kind:
        terms.append(term("kind", event.kind))
    if event.status:
        terms.append(term("status", event.status))
    terms += {term("links", link.transaction_id) for link in event.links if link.transaction_id}


def _add_ids(terms: list[str], event: Event) -> None:
    for alias in event.aliases:
        if alias:
            terms.append(term("aliases", alias))  # noqa: PERF401 - there is hardly ever one
    if event.span_id:
        terms.append(term("span_id", event.span_id))
    if event.parent_span_id:
        terms.append(term("parent_span_id", event.parent_span_id))
    if has_generated_id(event):
        # A term that no other event has would cost a third of all indexing.
        terms.append(_GENERATED)
    elif event.transaction_id:
        terms.append(term("transaction_id", event.transaction_id))
        if not _regular(event.transaction_id):
            terms.append(_IRREGULAR)


def _add_attributes(terms: list[str], attributes: dict[str, Any]) -> list[str]:
    """Add the attributes' terms; return their values as texts."""
    values = []
    for key, value in attributes.items():
        if type(value) is str:
            text = value
        elif value is None:
            continue
        else:
            text = attribute_text(value)
            if (number := attribute_number(value)) is not None:
                terms.append(number_term(key, number))
        if text:
            terms.append(_attribute_prefix(key) + keyword(text))
            values.append(indexable(text))
    return values


@lru_cache(maxsize=4096)
def _attribute_prefix(key: str) -> str:
    return term_prefix(ATTRIBUTE_PREFIX + key)
