"""A chunk's bytes, and which line a place in them belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, repeat

__all__ = ["Text"]


class Text:
    r"""Whole lines, with what finds them again.

    `lines` are without `\\n`, `sizes` with it, `ends` are the places behind each line. `lowered` is the payload in
    lower case, byte for byte (only ASCII changes), so that a place in it is the same place in the payload; the regular
    expressions search there, because a case-insensitive search is ten times slower than one for literals.
    """

    __slots__ = ("ends", "lines", "lowered", "payload", "sizes")

    def __init__(self, payload: bytes) -> None:
        lines = payload.split(b"\n")
        sizes = [len(line) + 1 for line in lines]
        sizes[-1] -= 1
        if not sizes[-1]:
            lines.pop()
            sizes.pop()
        self.payload = payload
        self.lowered = payload.lower()
        self.lines = lines
        self.sizes = sizes
        self.ends = list(accumulate(sizes))

    def __len__(self) -> int:
        return len(self.lines)

    def lines_at(self, places: Sequence[int]) -> list[int]:
        """Return the number of the line in which each place lies."""
        return list(map(bisect_right, repeat(self.ends), places))
