"""From an event to the fields of its document. Runs once for every line that Clew ever stores: measure each change."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from clew_collector.event import Event
from clew_collector.store.expression import attribute_text
from clew_collector.store.matching import attribute_number, has_generated_id, keyword

from .schema import MARK_BODYLESS, MARK_GENERATED, MARK_IRREGULAR, MARK_UNTIMED, TERM_FIELDS
from .terms import attribute_term, indexable, number_term

__all__ = ["decode_event", "document_fields"]

_encode = msgspec.msgpack.Encoder().encode
decode_event = msgspec.msgpack.Decoder(Event).decode
_regular = re.compile(r"[0-9a-f]{32}").fullmatch


def document_fields(position: int, event: Event) -> dict[str, Any]:
    """Return the fields of an admitted event's document; what is empty is left out."""
    event_id = event.event_id
    fields: dict[str, Any] = {
        "position": position,
        "time": event.time,
        "observed_timestamp": event.observed_timestamp,
        "place_high": int(event_id[:16], 16),
        "place_low": int(event_id[16:], 16),
        "offset": event.offset,
        "length": event.length,
        "severity_number": event.severity_number,
        "file": event_id[:20],
        "event": _encode(event),
    }
    for name in TERM_FIELDS:
        if value := getattr(event, name):
            fields[name] = keyword(value)
    marks = _add_ids(fields, event)
    if event.body:
        fields["body"] = indexable(event.body)
    else:
        marks.append(MARK_BODYLESS)
    if event.timestamp is None:
        marks.append(MARK_UNTIMED)
    if event.attributes:
        _add_attributes(fields, event.attributes)
    if marks:
        fields["marks"] = marks
    return fields


def _add_ids(fields: dict[str, Any], event: Event) -> list[str]:
    if event.aliases:
        fields["aliases"] = [keyword(alias) for alias in event.aliases if alias]
    if event.span_id:
        fields["span_id"] = keyword(event.span_id)
    if event.parent_span_id:
        fields["parent_span_id"] = keyword(event.parent_span_id)
    if has_generated_id(event):
        # A term that no other event has would cost a third of all indexing.
        return [MARK_GENERATED]
    if not event.transaction_id:
        return []
    fields["transaction_id"] = keyword(event.transaction_id)
    return [] if _regular(event.transaction_id) else [MARK_IRREGULAR]


def _add_attributes(fields: dict[str, Any], attributes: dict[str, Any]) -> None:
    terms, numbers, values = [], [], []
    for key, value in attributes.items():
        if value is None:
            continue
        text = value if type(value) is str else attribute_text(value)
        if not text:
            continue
        terms.append(attribute_term(key, text))
        values.append(indexable(text))
        if type(value) is not str and (number := attribute_number(value)) is not None:
            numbers.append(number_term(key, number))
    fields["attributes"], fields["values"] = terms, values
    if numbers:
        fields["numbers"] = numbers
