"""Stamping single lines, for the tables of these tests."""

from __future__ import annotations

from typing import NamedTuple

from clew_agent.stamp import Stamper, StampSettings
from clew_agent.stamp.text import Text
from clew_agent.wire import Origin

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"


class Stamp(NamedTuple):
    """What a line was given; `id` is empty where it is generated."""

    id: str
    origin: Origin
    aliases: tuple[str, ...] = ()


GENERATED = Stamp("", Origin.GENERATED)


def stamps(payload: bytes, *alias_keys: str) -> list[Stamp]:
    """Return what each line of the chunk is given."""
    text = Text(payload)
    found = Stamper(StampSettings(alias_keys=alias_keys)).stamp(text)
    origins = found.origins or bytes(len(text))
    ids = found.ids or bytes(16 * len(text))
    return [
        Stamp(ids[16 * i : 16 * i + 16].hex() if origin else "", Origin(origin), found.aliases.get(i, ()))
        for i, origin in enumerate(origins)
    ]


def stamp(line: str | bytes, *alias_keys: str) -> Stamp:
    """Return what the line is given alone in its chunk."""
    (found,) = stamps(line.encode() if isinstance(line, str) else line, *alias_keys)
    return found


def padded(hex_digits: str) -> str:
    """Return a 64-bit id as a transaction id."""
    return hex_digits.rjust(32, "0")
