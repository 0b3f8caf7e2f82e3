"""OTLP/JSON: the JSON mapping of Protobuf, but trace and span ids are hexadecimal and not base64.

OTLP specification, "JSON Protobuf Encoding". Unknown fields are passed over; 64-bit integers may be text or numbers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message

__all__ = ["NotOtlpJson", "decode_json", "encode_json"]

M = TypeVar("M", bound=Message)
DEPTH_MAX = 100
_GROUPS = (("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans"))
_IDS = ("traceId", "spanId", "parentSpanId")


class NotOtlpJson(ValueError):
    """The text is not the JSON form of the message; says why."""


def decode_json(body: bytes, into: type[M]) -> M:
    """Return the message; NotOtlpJson if the text is none."""
    try:
        data = msgspec.json.decode(body, type=dict[str, Any])
        for record in _records(data):
            _read_ids(record)
        message: M = json_format.ParseDict(data, into(), ignore_unknown_fields=True, max_recursion_depth=DEPTH_MAX)
    except (msgspec.MsgspecError, json_format.Error, UnicodeDecodeError, RecursionError) as error:
        raise NotOtlpJson(str(error)) from error
    return message


def encode_json(message: Message) -> bytes:
    """Return a message without ids as JSON."""
    return msgspec.json.encode(json_format.MessageToDict(message))


def _records(data: Any) -> Iterator[dict[str, Any]]:
    """Yield what has ids in a request, whatever else is wrong with it: log records, spans, links."""
    for groups, scopes, records in _GROUPS:
        for group in _objects(data, groups):
            for scope in _objects(group, scopes):
                for record in _objects(scope, records):
                    yield record
                    yield from _objects(record, "links")


def _objects(data: Any, key: str) -> Iterator[dict[str, Any]]:
    items = data.get(key) if isinstance(data, dict) else None
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _read_ids(record: dict[str, Any]) -> None:
    for key in _IDS:
        text = record.get(key)
        if isinstance(text, str):
            try:
                record[key] = b64encode(bytes.fromhex(text)).decode()
            except ValueError as error:
                raise NotOtlpJson(f"{key} is not hexadecimal: {text[:40]!r}") from error
