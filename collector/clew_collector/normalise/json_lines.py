"""Reads a line that is one JSON object: as JSON if it is, else as leniently as Python writes it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from .attributes import INTEGER_MAX, add_objects
from .clocks import Calendar
from .fields import MomentOf, promote_fields
from .limits import Limits
from .reading import Reading

__all__ = ["JsonReader"]

_decoder = msgspec.json.Decoder()
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(r"[\[{]|[\]}]")


class JsonReader:
    """Reads JSON objects into a `Reading`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def decode(self, text: str) -> dict[str, Any] | None:
        """Return the object that the text is, None if it is none or nested deeper than `json_depth_max`.

        Numbers that are no 64-bit float (`NaN`, `1e999`) come as text, so do not fail the line. Of a key that is there
        twice the last value counts.
        """
        if text.count("{") + text.count("[") > self._limits.json_depth_max and self._too_deep(text):
            return None
        try:
            decoded = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            decoded = _decode_leniently(text)
        return decoded if type(decoded) is dict else None

    def read(self, reading: Reading, fields: dict[str, Any], text: str, moment_of: MomentOf, calendar: Calendar) -> str:
        """Fill the reading from the decoded object of a text; return the key that its body came from, or empty."""
        add_objects(reading, fields, self._limits)
        return promote_fields(reading, fields, moment_of, calendar, whole=text)

    def _too_deep(self, text: str) -> bool:
        depth = 0
        for bracket in _BRACKET.finditer(_STRING.sub("", text)):
            depth += 1 if bracket[0] in "[{" else -1
            if depth > self._limits.json_depth_max:
                return True
        return False


def _decode_leniently(text: str) -> Any:
    """Return what Python's own `json` reads, without what no JSON writer may pass on: NaN, lone surrogates."""
    if not text.rstrip().endswith("}"):
        return None
    try:
        loose = json.loads(text, strict=False, parse_int=_int_or_text, parse_float=_float_or_text, parse_constant=str)
        return _decoder.decode(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _int_or_text(digits: str) -> int | str:
    return digits if len(digits) > 19 or abs(int(digits)) > INTEGER_MAX else int(digits)


def _float_or_text(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits
