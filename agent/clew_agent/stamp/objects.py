"""Trace ids that are fields of JSON lines, by one decode of each line, called from C.

The decoder is told the wanted fields only and passes over all else (msgspec does not even build it). Any line that
decodes to an object is one; in every other line ids are found as text, and so they are in Docker's (`{"log":"`), whose
fields are the engine's, not the service's.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from clew_agent.wire import NO_TRANSACTION, canonical_transaction_id

from .text import Text

__all__ = ["common_ids", "object_ids"]

_DOCKER = b'{"log":"'
_HEX_DIGITS = b"0123456789abcdef"
_ID_BYTES = 16
_ID_DIGITS = 2 * _ID_BYTES
_ID_CHARACTERS_MAX = 64
# What a line can hold that the decoder refuses; which of them depends on the field that it stands in.
_NOT_AN_OBJECT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Fields(
    msgspec.Struct,
    gc=False,
    rename={
        "camel": "traceId",
        "ecs": "trace.id",
        "initialism": "traceID",
        "pascal": "TraceId",
        "python": "otelTraceID",
        "datadog": "dd.trace_id",
    },
):
    """The names that OpenTelemetry, Micrometer, ECS, Grafana, .NET, Python and Datadog give it. The first one counts.

    Others are found as text, which takes the line's first id: it may be one that the message tells of.
    """

    trace_id: Any = None
    camel: Any = None
    ecs: Any = None
    initialism: Any = None
    pascal: Any = None
    python: Any = None
    datadog: Any = None


class _Foremost(msgspec.Struct, gc=False):
    """The name that counts before all others: where every line has it, these need not be looked for."""

    trace_id: Any = None


_FIELD_GETTERS = tuple(attrgetter(name) for name in _Fields.__struct_fields__)
_decode = msgspec.json.Decoder(_Fields).decode
_foremost = msgspec.json.Decoder(_Foremost)


def common_ids(text: Text) -> bytes:
    """Return the ids of all lines, 16 bytes each, if each is an object whose `trace_id` is 32 hex digits; else nothing.

    It is what `object_ids` finds there, in two thirds of its time: most services write all their lines so.
    """
    if not _opens(text.lines[0]):
        return b""
    try:
        if _foremost.decode(text.lines[0]).trace_id is None:
            return b""
        column = [fields.trace_id for fields in _foremost.decode_lines(text.payload)]
        joined = "\n".join(column)
        ids = bytes.fromhex(joined)
    except (*_NOT_AN_OBJECT, TypeError, ValueError):
        return b""
    n = len(text)
    # As many bytes as there are digits, and each line end where one id of so many digits is followed by the next.
    regular = len(ids) == n * _ID_BYTES and len(joined) == n * (_ID_DIGITS + 1) - 1
    regular = regular and joined[_ID_DIGITS :: _ID_DIGITS + 1] == "\n" * (n - 1)
    return ids if regular and bytes(_ID_BYTES) not in ids else b""


def object_ids(text: Text) -> list[str | None]:
    """Return for each line 32 hex digits, if it is an object with a trace id among its fields; nothing if none is."""
    if b"{" not in text.payload:
        return []
    numbers, objects = _objects(text.lines)
    ids: list[str | None] = []
    for field in _FIELD_GETTERS:
        column = list(map(field, objects))
        if any(column):
            found = _canonical(column)
            ids = [first or other for first, other in zip(ids, found, strict=True)] if ids else found
            if all(ids):
                break
    if not ids or len(ids) == len(text):
        return ids
    by_line: list[str | None] = [None] * len(text)
    for number, canonical in zip(numbers, ids, strict=True):
        by_line[number] = canonical
    return by_line


def _objects(lines: list[bytes]) -> tuple[Sequence[int], list[_Fields]]:
    """Return which lines are objects, by number and decoded."""
    if _opens(lines[0]):
        # Mostly all of a file's lines are objects, which this sees without a loop in Python.
        try:
            return range(len(lines)), list(map(_decode, lines))
        except _NOT_AN_OBJECT:
            pass
    numbers: list[int] = []
    objects: list[_Fields] = []
    for number in [number for number, line in enumerate(lines) if _opens(line)]:
        fields = _fields(lines[number])
        if fields:
            objects.append(fields)
            numbers.append(number)
    return numbers, objects


def _fields(line: bytes) -> _Fields | None:
    try:
        return _decode(line)
    except _NOT_AN_OBJECT:
        pass
    try:  # as `common_ids` does: what is wrong may be in a field that does not count
        return _Fields(trace_id=_foremost.decode(line).trace_id)
    except _NOT_AN_OBJECT:
        return None


def _opens(line: bytes) -> bool:
    return line.lstrip()[:1] == b"{" and not line.startswith(_DOCKER)


def _canonical(column: list[Any]) -> list[str | None]:
    """Return 32 hex digits for each value that is a trace id."""
    if set(map(type, column)) == {str} and set(map(len, column)) == {len(NO_TRANSACTION)}:
        joined = "".join(column)
        if joined.isascii() and not joined.encode().translate(None, _HEX_DIGITS) and NO_TRANSACTION not in column:
            return column
    known: dict[str, str | None] = {}
    ids: list[str | None] = []
    for value in column:
        if type(value) is not str or len(value) > _ID_CHARACTERS_MAX:
            ids.append(None)
            continue
        if value not in known:
            known[value] = canonical_transaction_id(value)
        ids.append(known[value])
    return ids
