"""OTLP's attribute values as plain data."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

__all__ = ["fields_of", "plain_value"]


def plain_value(value: AnyValue) -> Any:
    """Return the value: text, number, truth, list, dict, or None where none is set; bytes as base64, as in OTLP/JSON.

    Nesting is bounded by protobuf's own limit on messages in messages (100).
    """
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case "array_value":
            return [plain_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return fields_of(value.kvlist_value.values)
    return None


def fields_of(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes by key; keys should be unique (OTLP), so of equal ones the last counts."""
    return {attribute.key: plain_value(attribute.value) for attribute in attributes}
