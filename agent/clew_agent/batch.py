"""What is sent at once."""

from __future__ import annotations

from dataclasses import dataclass

from clew_agent.tail import Block
from clew_agent.wire import Chunk

__all__ = ["Batch", "Piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, and the part of its file that it is."""

    chunk: Chunk
    block: Block


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent at once, and how many slots it takes."""

    pieces: list[Piece]
    slots: int
