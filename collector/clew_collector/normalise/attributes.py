"""Attributes: flat, dotted keys with plain values, within limits, whatever the nesting of what they come from."""

from __future__ import annotations

from typing import Any

import msgspec

from .limits import Limits
from .reading import Reading

__all__ = ["INTEGER_MAX", "add_objects", "number_or_text"]

INTEGER_MAX = (1 << 63) - 1
"""Stores keep 64-bit integers; larger ones become text."""

_NUMBER_CHARACTERS_MAX = 18
_BEGIN_OF_NUMBER = frozenset("-0123456789")
_TRUTHS = frozenset({"true", "false"})
_encoder = msgspec.json.Encoder()


def add_objects(reading: Reading, fields: dict[str, Any], limits: Limits) -> None:
    """Add decoded JSON to the reading's attributes; what exceeds a limit is left out and counted in `dropped`.

    Nested objects become dotted keys down to `attribute_depth_max` levels; lists, and objects below that, become
    JSON text. A key that is there already, is empty, or has a NUL in it is left out and counted too.
    """
    _Flattening(reading, limits).add(fields, "", 1)


class _Flattening:
    """One run over a line's fields, with what it may still take."""

    __slots__ = ("_characters", "_limits", "_reading")

    def __init__(self, reading: Reading, limits: Limits) -> None:
        self._reading = reading
        self._limits = limits
        self._characters = limits.attributes_characters_max

    def add(self, fields: dict[str, Any], prefix: str, depth: int) -> None:
        attributes, limits = self._reading.attributes, self._limits
        attributes_max, keys_max = limits.attributes_max, limits.attribute_key_characters_max
        characters_max = limits.attribute_value_characters_max
        for name, value in fields.items():
            kind = type(value)
            if kind is dict and value and depth < limits.attribute_depth_max:
                self.add(value, f"{prefix}{name}.", depth + 1)
                continue
            key = prefix + name
            plain = value if kind is str else _plain(value)
            size = len(plain) if type(plain) is str else 0
            if (
                size > characters_max
                or size > self._characters
                or len(attributes) >= attributes_max
                or key in attributes
                or not name
                or len(key) > keys_max
                or "\0" in key
            ):
                self._reading.dropped += 1
                continue
            self._characters -= size
            attributes[key] = plain


def number_or_text(text: str) -> str | int | float | bool:
    """Return what a bare word says: a number if it is written just as the number would be, a truth, else itself.

    So `200` is a number, while `007`, `1.10` and `1e5` stay as they were written.
    """
    if text[:1] not in _BEGIN_OF_NUMBER:
        return text == "true" if text in _TRUTHS else text
    if len(text) > _NUMBER_CHARACTERS_MAX or not text.isascii():
        return text
    if text.isdigit():
        return int(text) if text[0] != "0" or len(text) == 1 else text
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
