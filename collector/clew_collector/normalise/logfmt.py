"""Reads logfmt: `level=info msg="order placed" status=200`, and bare words as flags."""

from __future__ import annotations

import re

import msgspec

from .attributes import add_objects, number_or_text
from .clocks import Calendar
from .fields import MomentOf, promote_fields
from .limits import Limits
from .reading import Reading

__all__ = ["LogfmtReader"]

_START = re.compile(r"[A-Za-z_][\w.\-/@]{0,127}=", re.ASCII)
_TOKEN = re.compile(
    r'\s*([^\s="]{1,256})(?:(=)(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*)))?(?=\s|$)', re.ASCII | re.DOTALL
)
_TOKENS_MAX = 512
# Fewer pairs than this are a sentence with an equals sign in it.
_PAIRS_MIN = 2


class LogfmtReader:
    """Reads a line that begins with `key=`, has two pairs, and nothing but pairs or a time, level or message."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def read(self, reading: Reading, text: str, moment_of: MomentOf, calendar: Calendar) -> bool:
        """Fill the reading if the text is logfmt; else leave it as it is and return False."""
        if not _START.match(text):
            return False
        fields, strict = _pairs(text)
        if len(fields) < _PAIRS_MIN:
            return False
        found = Reading("")
        add_objects(found, fields, self._limits)
        key = promote_fields(found, fields, moment_of, calendar, whole=text)
        if not (strict or key or found.severity_number or found.timestamp is not None):
            return False
        for name in ("body", "span_id", "parent_span_id", "severity_text"):
            setattr(reading, name, getattr(found, name) or getattr(reading, name))
        reading.severity_number = found.severity_number or reading.severity_number
        reading.timestamp, reading.zoned = found.timestamp, found.zoned
        reading.attributes.update(found.attributes)
        reading.dropped += found.dropped
        return True


def _pairs(text: str) -> tuple[dict[str, str | int | float | bool], bool]:
    """Return the pairs, and whether the text is nothing but pairs. A key twice: the last one."""
    fields: dict[str, str | int | float | bool] = {}
    strict = True
    at = 0
    match = _TOKEN.match
    for _ in range(_TOKENS_MAX):
        token = match(text, at)
        if token is None:
            break
        at = token.end()
        key, equals, quoted, bare = token.groups()
        if quoted is not None:
            fields[key] = _unescape(quoted) if "\\" in quoted else quoted
        elif equals:
            fields[key] = number_or_text(bare)
        else:
            strict = False
    return fields, strict and not text[at:].strip()


def _unescape(quoted: str) -> str:
    """Return the text of a quoted value, whose escapes are JSON's (go-logfmt quotes so); as it is if they are not."""
    try:
        return msgspec.json.decode(f'"{quoted}"', type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return quoted
