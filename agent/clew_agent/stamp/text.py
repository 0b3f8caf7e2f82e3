"""A chunk's bytes, and which line a place in them belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, repeat

__all__ = ["Text"]


class Text:
    r"""Whole lines, with what finds them again.

    `lines` are without `\\n`, `sizes` with it. What only some chunks need is made when it is asked for.
    """

    def __init__(self, payload: bytes) -> None:
        lines = payload.split(b"\n")
        sizes = [size + 1 for size in map(len, lines)]
        sizes[-1] -= 1
        if not sizes[-1]:
            lines.pop()
            sizes.pop()
        self.payload = payload
        self.lines = lines
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def lowered(self) -> bytes:
        """The payload in lower case, byte for byte (only ASCII changes): a place in it is the same in the payload.

        The regular expressions search here: a case-insensitive search is ten times slower than one for literals.
        """
        return self.payload.lower()

    @cached_property
    def ends(self) -> list[int]:
        """The places behind each line."""
        return list(accumulate(self.sizes))

    def lines_at(self, places: Sequence[int]) -> list[int]:
        """Return the number of the line in which each place lies."""
        return list(map(bisect_right, repeat(self.ends), places)) if places else []
