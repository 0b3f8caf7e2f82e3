"""Attributes: flat, dotted keys with plain values, within limits, whatever the nesting of what they come from."""

from __future__ import annotations

from typing import Any

import msgspec

from .limits import Limits
from .reading import Reading

__all__ = ["INTEGER_MAX", "add_objects", "number_or_text"]

INTEGER_MAX = (1 << 63) - 1
"""Stores keep 64-bit integers; larger ones become text."""

_INTEGER_DIGITS_MAX = 18
_encoder = msgspec.json.Encoder()


def add_objects(reading: Reading, fields: dict[str, Any], limits: Limits) -> None:
    """Add decoded JSON to the reading's attributes; what exceeds a limit is left out and counted in `dropped`.

    Nested objects become dotted keys down to `attribute_depth_max` levels; lists, and objects below that, become
    JSON text. A key that is there already, is empty, or has a NUL in it is left out and counted too.
    """
    _Flattening(reading, limits).add(fields, "", 1)


class _Flattening:
    """One run over a line's fields, with what it may still take."""

    def __init__(self, reading: Reading, limits: Limits) -> None:
        self._reading = reading
        self._limits = limits
        self._characters = limits.attributes_characters_max

    def add(self, fields: dict[str, Any], prefix: str, depth: int) -> None:
        attributes, limits = self._reading.attributes, self._limits
        for name, value in fields.items():
            key = prefix + name
            if type(value) is dict and value and depth < limits.attribute_depth_max:
                self.add(value, key + ".", depth + 1)
                continue
            plain = value if type(value) is str else _plain(value)
            if (
                not name
                or key in attributes
                or len(key) > limits.attribute_key_characters_max
                or "\0" in key
                or len(attributes) >= limits.attributes_max
                or (type(plain) is str and not self._take(len(plain)))
            ):
                self._reading.dropped += 1
                continue
            attributes[key] = plain

    def _take(self, characters: int) -> bool:
        if characters > self._limits.attribute_value_characters_max or characters > self._characters:
            return False
        self._characters -= characters
        return True


def number_or_text(text: str) -> str | int | float | bool:
    """Return what a bare word says: a number if it is written just as the number would be, a truth, else itself.

    So `200` is a number, while `007`, `1.10` and `1e5` stay as they were written.
    """
    if not text or len(text) > _INTEGER_DIGITS_MAX or not text.isascii():
        return text
    if text.isdigit():
        return int(text) if text[0] != "0" or len(text) == 1 else text
    if text in {"true", "false"}:
        return text == "true"
    if not (text[0].isdigit() or text[0] == "-"):
        return text
    try:
        number: float = int(text) if text[1:].isdigit() else float(text)
    except ValueError:
        return text
    return number if repr(number) == text else text


def _plain(value: Any) -> str | int | float | bool | None:
    kind = type(value)
    if kind is dict or kind is list:
        return _encoder.encode(value).decode()
    if kind is int and not -INTEGER_MAX <= value <= INTEGER_MAX:
        return str(value)
    plain: str | int | float | bool | None = value
    return plain
