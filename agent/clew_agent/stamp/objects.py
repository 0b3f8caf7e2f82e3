"""Trace ids that are fields of JSON lines, by one decode of the whole chunk.

The decoder is told the wanted fields only and passes over all else (msgspec does not even build it). A line counts as
an object if it begins with `{`, ends with `}` and decodes alone; every other line is left to the text notations, and
so are Docker's (`{"log":"`), whose fields are the engine's, not the service's.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from clew_agent.wire import NO_TRANSACTION, canonical_transaction_id

from .text import Text

__all__ = ["object_ids"]

_DOCKER = b'{"log":"'
_HEX_DIGITS = b"0123456789abcdef"
_ID_CHARACTERS_MAX = 64
# What a line can hold that the decoder refuses; which of them depends on the field that it stands in.
_NOT_AN_OBJECT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Fields(msgspec.Struct, gc=False, rename={"camel": "traceId", "ecs": "trace.id"}):
    """The names that OpenTelemetry, Micrometer and ECS give it; others are found as text. The first one counts."""

    trace_id: Any = None
    camel: Any = None
    ecs: Any = None


_FIELD_GETTERS = tuple(attrgetter(name) for name in _Fields.__struct_fields__)
_decoder = msgspec.json.Decoder(_Fields)


def object_ids(text: Text) -> dict[int, bytes]:
    """Return line number -> 32 hex digits, for the lines that are objects with a trace id among their fields."""
    candidates = _candidates(text)
    if not candidates:
        return {}
    numbers, objects = _decode(text, candidates)
    found: dict[int, bytes] = {}
    for field in _FIELD_GETTERS:
        column = list(map(field, objects))
        if any(column):
            found = dict(_canonical(numbers, column)) | found
            if len(found) == len(numbers):
                break
    return found


def _candidates(text: Text) -> list[int]:
    """Return the numbers of the lines that look like objects."""
    lines = text.lines
    heads = {line[: len(_DOCKER)] for line in lines}
    if not any(_opens(head) for head in heads):
        return []
    # Mostly all lines are objects, which this sees without a loop in Python.
    if all(map(_opens, heads)) and set(map(itemgetter(-1), lines)) == {ord("}")}:
        return list(range(len(lines)))
    return [i for i, line in enumerate(lines) if _opens(line[: len(_DOCKER)]) and line.endswith(b"}")]


def _opens(head: bytes) -> bool:
    return head.startswith(b"{") and head != _DOCKER


def _decode(text: Text, candidates: list[int]) -> tuple[list[int], list[_Fields]]:
    """Return the candidates that are objects, by number and decoded."""
    whole = len(candidates) == len(text)
    lines = text.lines if whole else [text.lines[i] for i in candidates]
    try:
        objects = _decoder.decode_lines(text.payload if whole else b"\n".join(lines))
    except _NOT_AN_OBJECT:
        objects = []
    # No object spans these lines (`}` before a line's end and `{` behind it need a comma between them), so with as
    # many objects as lines each line is one.
    if len(objects) == len(lines):
        return candidates, objects
    return _decode_each(candidates, lines)


def _decode_each(candidates: list[int], lines: list[bytes]) -> tuple[list[int], list[_Fields]]:
    numbers: list[int] = []
    objects: list[_Fields] = []
    for number, line in zip(candidates, lines, strict=True):
        try:
            objects.append(_decoder.decode(line))
        except _NOT_AN_OBJECT:
            continue
        numbers.append(number)
    return numbers, objects


def _canonical(numbers: list[int], column: list[Any]) -> list[tuple[int, bytes]]:
    """Return number and 32 hex digits of the values that are trace ids."""
    if set(map(type, column)) == {str} and set(map(len, column)) == {len(NO_TRANSACTION)}:
        joined = "".join(column)
        if joined.isascii() and not joined.encode().translate(None, _HEX_DIGITS) and NO_TRANSACTION not in column:
            return list(zip(numbers, map(str.encode, column), strict=True))
    known: dict[str, str | None] = {}
    pairs: list[tuple[int, bytes]] = []
    for number, value in zip(numbers, column, strict=True):
        if type(value) is not str or len(value) > _ID_CHARACTERS_MAX:
            continue
        if value not in known:
            known[value] = canonical_transaction_id(value)
        if canonical := known[value]:
            pairs.append((number, canonical.encode()))
    return pairs
