"""Durations as operators write them: `500ms`, `15s`, `5m`, `1h30m`, `7d`. A bare number is refused."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = ["Duration", "format_duration", "parse_duration"]

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(value: object) -> float:
    """Return the seconds of a duration in words; ValueError if it has no unit or is no duration.

    Zero needs no unit.
    """
    if not isinstance(value, bool) and value in (0, "0"):
        return 0.0
    text = value.replace(" ", "") if isinstance(value, str) else ""
    if not _WHOLE.fullmatch(text):
        raise ValueError("must be a duration with its unit, such as 500ms, 15s, 5m, 1h30m or 7d")
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def format_duration(seconds: float) -> str:
    """Return the duration in the notation that `parse_duration` reads, exact to the millisecond."""
    rest = round(seconds * 1000)
    words = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        words += f"{count}{unit}" if count else ""
    return words or "0s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_WHOLE.pattern}$", "examples": ["15s", "5m"]}),
]
"""Seconds, written with a unit."""
