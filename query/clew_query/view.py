"""How an event is shown: its JSON form, the same in the API, the command line and a transaction's answer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from clew_collector.event import Event

from .times import format_time

__all__ = ["encode_json", "event_json"]

_encoder = msgspec.json.Encoder()


def event_json(event: Event, time_text: Callable[[int], str] = format_time) -> dict[str, Any]:
    """Return every field of the event, times as RFC 3339 text, and `time`, the one that orders it.

    `time_text` is for who shows many events, and remembers what it formatted. `original` is the line as text; where it
    is not UTF-8, U+FFFD stands for what is not, and `original_base64` beside it has the bytes. `duration` is a number
    of ns, null for a line.
    """
    timestamp = None if event.timestamp is None else time_text(event.timestamp)
    observed = time_text(event.observed_timestamp)
    shown: dict[str, Any] = {
        "event_id": event.event_id,
        "time": observed if timestamp is None else timestamp,
        "timestamp": timestamp,
        "observed_timestamp": observed,
        "severity_number": event.severity_number,
        "severity_text": event.severity_text,
        "service": event.service,
        "instance": event.instance,
        "host": event.host,
        "source": event.source,
        "offset": event.offset,
        "length": event.length,
        "transaction_id": event.transaction_id,
        "transaction_origin": event.transaction_origin,
        "aliases": event.aliases,
        "span_id": event.span_id,
        "parent_span_id": event.parent_span_id,
        "duration": event.duration,
        "kind": event.kind,
        "status": event.status,
        "links": event.links,
        "body": event.body,
        "attributes": event.attributes,
    }
    try:
        shown["original"] = event.original.decode()
    except UnicodeDecodeError:
        shown["original"] = event.original.decode(errors="replace")
        shown["original_base64"] = b64encode(event.original).decode()
    return shown


def encode_json(data: Any) -> bytes:
    """Return the JSON text of plain data; a lone surrogate, which UTF-8 cannot hold, becomes `?`."""
    try:
        return _encoder.encode(data)
    except UnicodeEncodeError:
        return _encoder.encode(_tame(data))


def _tame(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_tame(key): _tame(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(item) for item in value]
    return value
