"""The seam to where dead letters lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .letter import DeadLetter

__all__ = ["DeadLetters"]


class DeadLetters(Protocol):
    """Keeps letters. Implementations: a topic of Kafka, SQLite, memory; one contract suite over all."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, durably on return. One that is there already counts on. LogError if they cannot be kept."""

    async def letters(self) -> list[DeadLetter]:
        """Return all that are there, those that came first first."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Take letters away, which were put back, or are wanted no more. An unknown id is no error."""

    async def close(self) -> None:
        """Free files and connections."""
