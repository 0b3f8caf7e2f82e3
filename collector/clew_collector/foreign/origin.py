"""Where a message stood first, which makes the ids of its lines, also when a dead letter is put back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Self

__all__ = ["ORIGIN_HEADER", "Origin"]

ORIGIN_HEADER = "clew-origin"
_WRITTEN = re.compile(r"(?P<topic>[A-Za-z0-9._-]{1,249})/(?P<partition>\d{1,10})/(?P<offset>\d{1,15})/(?P<at>\d{1,16})")


class Origin(NamedTuple):
    """A place, and when the message was written there, in ms UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    @classmethod
    def found(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self | None:
        """Return what the header `clew-origin` says; None if there is none, or none that can be read."""
        for name, value in headers:
            if name == ORIGIN_HEADER and (match := _WRITTEN.fullmatch((value or b"").decode("ascii", "replace"))):
                return cls(match["topic"], int(match["partition"]), int(match["offset"]), int(match["at"]))
        return None

    @property
    def header(self) -> tuple[str, bytes]:
        """The header that says it."""
        return ORIGIN_HEADER, f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp_ms}".encode()
