"""The kind of a text's first characters: digits count as one, letters as one, everything else as itself.

What a line begins with says which few patterns are worth a try, so that most lines meet one or two. Trying is in a
fixed order: what a line becomes never depends on the lines around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

__all__ = ["Candidates", "shape"]

T = TypeVar("T")

_KINDS = {ord(c): "0" for c in "0123456789"} | {
    ord(c): "a" for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
}
_REMEMBERED_MAX = 8_192


def shape(text: str, length: int) -> str:
    """Return the kinds of the first characters: `17/06/09` -> `00/` at length 3."""
    return text[:length].translate(_KINDS)


class Candidates(Generic[T]):
    """Which rows are worth a try for a text, in their order, by its first `length` characters."""

    def __init__(self, rows: Iterable[tuple[T, Iterable[str]]], length: int) -> None:
        self._length = length
        by_shape: dict[str, list[T]] = {}
        for row, beginnings in rows:
            for kinds in dict.fromkeys(shape(text, length) for text in beginnings):
                by_shape.setdefault(kinds, []).append(row)
        self._by_shape = {kinds: tuple(found) for kinds, found in by_shape.items()}
        self._remembered: dict[str, tuple[T, ...]] = {}

    def of(self, text: str) -> tuple[T, ...]:
        """Return the rows to try, none if no row begins like this text."""
        head = text[: self._length]
        found = self._remembered.get(head)
        if found is None:
            found = self._by_shape.get(shape(head, self._length), ())
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[head] = found
        return found
