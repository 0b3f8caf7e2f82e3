"""Which transaction each line of a chunk belongs to, found over the whole chunk at once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from clew_agent.wire import Origin

from .settings import StampSettings

__all__ = ["Stamper", "Stamps"]


class Stamps(NamedTuple):
    """Columns of a chunk: see `clew_agent.wire.Chunk`."""

    ids: bytes
    origins: bytes
    aliases: dict[int, tuple[str, ...]]


_TRACE = re.compile(rb"(?i:trace_?id)[\\\"]*[:=] ?[\\\"]*([0-9a-f]{32})(?![0-9a-zA-Z])")


class Stamper:
    """Gives lines their transaction ids."""

    def __init__(self, settings: StampSettings | None = None) -> None:
        self._settings = settings or StampSettings()

    def stamp(self, payload: bytes, ends: Sequence[int]) -> Stamps:
        """Return the columns for the lines of `payload` that end at `ends`."""
        ids = [b"0" * 32] * len(ends)
        origins = bytearray(len(ends))
        for match in _TRACE.finditer(payload):
            line = bisect_right(ends, match.start())
            if not origins[line]:
                ids[line] = match[1]
                origins[line] = Origin.LINE
        if not any(origins):
            return Stamps(b"", b"", {})
        return Stamps(bytes.fromhex(b"".join(ids).decode()), bytes(origins), {})
