"""Values that have an order: a severity word, a number or a time, each as the span of numbers that it denotes.

One rule serves all comparisons: `x:v` lies in the span, `>=` begins at its first, `>` behind its last, `<=` ends at
its last, `<` before its first. So `severity>error` is above all of 17..20 and `time<=2023-01-29` takes the whole day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

from clew_collector.event import Severity
from clew_query.times import Now, span_of

from .fields import Field, Kind

__all__ = ["Span", "find_duration", "find_span"]

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_UNITS_NS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}  # fmt: skip
_PART = re.compile(rf"(\d{{1,18}}(?:\.\d{{1,9}})?)({'|'.join(sorted(_UNITS_NS, key=len, reverse=True))})", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_CLASS_WIDTH = 4
_SEVERITY_WORDS = {
    "critical": Severity.FATAL,
    "debug": Severity.DEBUG,
    "err": Severity.ERROR,
    "error": Severity.ERROR,
    "fatal": Severity.FATAL,
    "info": Severity.INFO,
    "information": Severity.INFO,
    "trace": Severity.TRACE,
    "warn": Severity.WARN,
    "warning": Severity.WARN,
}


@dataclass(frozen=True, slots=True)
class Span:
    """What a value denotes: from its first to its last, both included. Texts are their own span."""

    first: float | str
    last: float | str


def find_span(field: Field, text: str, now: Now) -> Span:
    """Return the span that the text denotes in the field; ValueError with a sentence if it denotes none."""
    if field.kind is Kind.SEVERITY:
        return _severity(text)
    if field.kind is Kind.TIME:
        return Span(*span_of(text, now))
    if field.kind is Kind.NUMBER:
        if not _INTEGER.fullmatch(text):
            raise ValueError(f"`{field.name}` is a whole number, `{text}` is not")
        return Span(int(text), int(text))
    if field.kind is Kind.ATTRIBUTE and _NUMBER.fullmatch(text):
        number = int(text) if _INTEGER.fullmatch(text) else float(text)
        if not isfinite(number):
            raise ValueError(f"`{text}` is too large a number")
        return Span(number, number)
    return Span(text, text)


def find_duration(text: str) -> int | None:
    """Return the ns of a duration with its unit (`1s`, `1.5ms`, `1h30m`), None if the text is none."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(round(Fraction(number) * _UNITS_NS[unit]) for number, unit in _PART.findall(text))


def _severity(text: str) -> Span:
    word = text.lower()
    if word == "unspecified":
        return Span(0, 0)
    if word in _SEVERITY_WORDS:
        first = _SEVERITY_WORDS[word]
        return Span(int(first), first + _CLASS_WIDTH - 1)
    if _INTEGER.fullmatch(text):
        return Span(int(text), int(text))
    raise ValueError(
        f"`{text}` is no severity: trace, debug, info, warn, error, fatal, unspecified, or a number from 0 to 24"
        " (severity_text:... compares the word in the line)"
    )
