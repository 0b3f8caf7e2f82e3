"""Request ids that are no trace ids: how they are written, and which of them can be ids of one request.

A false alias unites requests that have nothing to do with each other, so a value must look like an id: a counter that
every process begins anew, or a placeholder, is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .notations import BETWEEN, IN_OBJECT, begin
from .text import Text

__all__ = ["ALIASES_PER_LINE_MAX", "AliasNotation", "alias_notations", "find_aliases", "plausible", "usable"]

ALIASES_PER_LINE_MAX = 8

# UUIDs, ULIDs, `host/AbC-000001` (Go's chi), base64. A longer one is none: half an id would be a wrong one.
_VALUE = r"""([a-z0-9][-a-z0-9._:/+~]{0,127}+={0,2}+)(?=[\s"'\\,;)\]}&<>|!?]|\Z)"""
_PUNCTUATION = "-._:/+~"
_CHARACTERS_MIN = 6
_DIGITS_MIN = 8
_PLACEHOLDERS = frozenset({"false", "n/a", "nan", "nil", "none", "null", "true", "undefined", "unknown"})
_ZEROS = re.compile(r"[-0._:/+~=]*")
# Fastify numbers the requests of each process: req-1, req-2, ... req-z, req-10 (base 36).
_COUNTER = re.compile(r"req-[0-9a-z]{1,4}", re.IGNORECASE)


def usable(value: str) -> bool:
    """Return whether a value under a key that the operator named is an id: anything but a placeholder."""
    return value.lower() not in _PLACEHOLDERS and not _ZEROS.fullmatch(value)


def plausible(value: str) -> bool:
    """Return whether a value under a built-in key can be the id of one request wherever it appears.

    It has six characters, one of them a digit; eight if all are digits. It is no process's counter.
    """
    return (
        usable(value)
        and len(value) >= (_DIGITS_MIN if value.isdecimal() else _CHARACTERS_MIN)
        and any(map(str.isdecimal, value))
        and not _COUNTER.fullmatch(value)
    )


class AliasNotation(NamedTuple):
    """A way of writing a request id; group 1 is the id. `literal` is in every match."""

    literal: bytes
    pattern: re.Pattern[bytes]
    accepts: Callable[[str], bool]


def alias_notations(keys: Iterable[str]) -> tuple[AliasNotation, ...]:
    """Return how request ids are written: the built-in keys and those that the operator names."""
    own = [_notation(key, re.escape(key), usable, prefixes=()) for key in dict.fromkeys(map(str.lower, keys))]
    return (*_BUILT_IN, *own)


def _notation(word: str, key: str, accepts: Callable[[str], bool], *, prefixes: tuple[str, ...]) -> AliasNotation:
    key = key.replace(re.escape(word), begin(re.escape(word), *prefixes), 1)
    return AliasNotation(word.encode(), re.compile(f"{key}{BETWEEN}{_VALUE}".encode()), accepts)


_PREFIXES = ("x-", "x_", "http_", "aws", "aws_")
_BUILT_IN = (
    _notation("req", rf"req(?:uest)?(?:[-_. ]?|{IN_OBJECT})id", plausible, prefixes=_PREFIXES),
    _notation("correlation", r"correlation[-_. ]?id", plausible, prefixes=_PREFIXES),
)


def find_aliases(text: Text, notations: Iterable[AliasNotation]) -> dict[int, list[str]]:
    """Return line number -> its request ids as written, in the line's order, each once, the first few of them."""
    places: list[tuple[int, str]] = []
    for literal, pattern, accepts in notations:
        if literal not in text.lowered:
            continue
        for match in pattern.finditer(text.lowered):
            start, end = match.span(1)
            value = text.payload[start:end].decode("ascii").rstrip(_PUNCTUATION)
            if accepts(value):
                places.append((start, value))
    places.sort()
    found: dict[int, list[str]] = {}
    for line, (_, value) in zip(text.lines_at([start for start, _ in places]), places, strict=True):
        names = found.setdefault(line, [])
        if value not in names and len(names) < ALIASES_PER_LINE_MAX:
            names.append(value)
    return found
