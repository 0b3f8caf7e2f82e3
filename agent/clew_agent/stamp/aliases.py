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

__all__ = ["ALIASES_PER_LINE_MAX", "BUILT_IN", "AliasNotation", "find_aliases", "named_by", "plausible", "usable"]

ALIASES_PER_LINE_MAX = 8

# UUIDs, ULIDs, `host/AbC-000001` (Go's chi), base64. A longer one is none: half an id would be a wrong one.
_VALUE = r"""([a-z0-9][-a-z0-9._:/+~]{0,127}+={0,2}+)(?=[\s"'\\,;)\]}&<>|!?]|\Z)"""
_PUNCTUATION = "-._:/+~"
_CHARACTERS_MIN = 4
_DIGITS_MIN = 8
_PLACEHOLDERS = frozenset({"false", "n/a", "nan", "nil", "none", "null", "true", "undefined", "unknown"})
_ZEROS = re.compile(r"[-0._:/+~=]*")
# Fastify numbers the requests of each process under `reqId`: req-1, req-2, ... req-z, req-10 (base 36).
_COUNTER = re.compile(r"req-[0-9a-z]{1,4}", re.IGNORECASE)
_COUNTER_CHARACTERS_MIN = 6


def usable(value: str) -> bool:
    """Return whether a value under a key that the operator named is an id: anything but a placeholder."""
    return value.lower() not in _PLACEHOLDERS and not _ZEROS.fullmatch(value)


def plausible(value: str) -> bool:
    """Return whether a value under a built-in key can be the id of one request wherever it appears.

    It has four characters, one of them a digit; eight if all are digits.
    """
    return (
        usable(value)
        and len(value) >= (_DIGITS_MIN if value.isdecimal() else _CHARACTERS_MIN)
        and any(map(str.isdecimal, value))
    )


def no_counter(value: str) -> bool:
    """Return whether a value under a key that loggers fill by themselves is plausible, and no process's counter."""
    return plausible(value) and len(value) >= _COUNTER_CHARACTERS_MIN and not _COUNTER.fullmatch(value)


class AliasNotation(NamedTuple):
    """A way of writing a request id; group 1 is the id."""

    anchor: str
    """A literal in every match, see `Anchors`; empty: none that is rare."""
    pattern: re.Pattern[bytes]
    accepts: Callable[[str], bool]


def _notation(anchor: str, pattern: str, accepts: Callable[[str], bool]) -> AliasNotation:
    return AliasNotation(anchor, re.compile(f"{pattern}{BETWEEN}{_VALUE}".encode()), accepts)


_PREFIXES = ("x-", "x_", "http_", "http_x_", "x-amz-", "x_amz_", "x-amzn-", "x_amzn_", "x-ms-", "aws", "aws_")
BUILT_IN = (
    _notation("eq", rf"{begin('req', *_PREFIXES)}uest(?:[-_. ]?|{IN_OBJECT})id", plausible),
    _notation("eq", rf"{begin('req', *_PREFIXES)}(?:[-_. ]?|{IN_OBJECT})id", no_counter),
    _notation("rrel", rf"{begin('correlation', *_PREFIXES)}[-_. ]?id", plausible),
)


def named_by(keys: Iterable[str]) -> tuple[AliasNotation, ...]:
    """Return how request ids are written under the keys that the operator names."""
    words = dict.fromkeys(re.escape(key.lower()) for key in keys)
    return tuple(_notation("", begin(word), usable) for word in words)


def find_aliases(text: Text, notations: Iterable[AliasNotation]) -> dict[int, tuple[str, ...]]:
    """Return line number -> its request ids as written, in the line's order, each once, the first few of them."""
    places: list[tuple[int, str]] = []
    for _, pattern, accepts in notations:
        for match in pattern.finditer(text.lowered):
            start, end = match.span(1)
            value = text.payload[start:end].decode("ascii").rstrip(_PUNCTUATION)
            if accepts(value):
                places.append((start, value))
    places.sort()
    found: dict[int, dict[str, None]] = {}
    for line, (_, value) in zip(text.lines_at([start for start, _ in places]), places, strict=True):
        names = found.setdefault(line, {})
        if len(names) < ALIASES_PER_LINE_MAX:
            names[value] = None
    return {line: tuple(names) for line, names in found.items()}
