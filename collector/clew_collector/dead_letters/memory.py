"""Dead letters in memory, for tests and small uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from .letter import DeadLetter

__all__ = ["MemoryDeadLetters", "fold"]


def fold(kept: dict[str, DeadLetter], letters: Iterable[DeadLetter]) -> None:
    """Add letters to those kept by id: the newer one stays, at the older one's place, and counts on."""
    for letter in letters:
        known = kept.get(letter.id)
        kept[letter.id] = letter if known is None else msgspec.structs.replace(letter, count=known.count + letter.count)


class MemoryDeadLetters:
    """Implements `DeadLetters`."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters`."""
        fold(self._letters, letters)

    async def letters(self) -> list[DeadLetter]:
        """See `DeadLetters`."""
        return list(self._letters.values())

    async def remove(self, ids: Sequence[str]) -> None:
        """See `DeadLetters`."""
        for letter_id in ids:
            self._letters.pop(letter_id, None)

    async def close(self) -> None:
        """See `DeadLetters`."""
