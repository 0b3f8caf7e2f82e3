"""The kinds of a text's first characters: digits count as one, letters as one, everything else as itself.

What a line begins with says which few patterns are worth a try, so that most lines meet one or two. Trying is in a
fixed order: what a line becomes never depends on the lines around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["Candidates", "first_three", "first_two_words"]

T = TypeVar("T")

_KINDS = {ord(c): "0" for c in "0123456789"} | {
    ord(c): "a" for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
}
_REMEMBERED_MAX = 8_192


def first_three(text: str) -> str:
    """Return the first three characters, by which lines are told apart: `17/06/09 20:10:40` -> `17/`."""
    return text[:3]


def first_two_words(text: str) -> str:
    """Return the first character, and the second word's if the first is a letter: `INFO [main] x` -> `I[`."""
    first = text[:1]
    if not first.isalpha():
        return first
    words = text.split(None, 1)
    return first + words[1][0] if len(words) > 1 else first


class Candidates(Generic[T]):
    """Which rows are worth a try for a text, in their order, by the kinds of the characters that `head` returns."""

    def __init__(self, rows: Iterable[tuple[T, Iterable[str]]], head: Callable[[str], str]) -> None:
        self._head = head
        by_kinds: dict[str, list[T]] = {}
        for row, beginnings in rows:
            for kinds in dict.fromkeys(head(text).translate(_KINDS) for text in beginnings):
                by_kinds.setdefault(kinds, []).append(row)
        self._by_kinds = {kinds: tuple(found) for kinds, found in by_kinds.items()}
        self._remembered: dict[str, tuple[T, ...]] = {}

    def of(self, text: str) -> tuple[T, ...]:
        """Return the rows to try, none if no row begins like this text."""
        head = self._head(text)
        found = self._remembered.get(head)
        if found is None:
            found = self._by_kinds.get(head.translate(_KINDS), ())
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[head] = found
        return found
