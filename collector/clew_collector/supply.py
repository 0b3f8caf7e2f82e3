"""What the store is to be given next: read from the log, cut into batches, normalised in a thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clew_agent.wire import Chunk

from .batch import Batch, Piece, cut
from .event import Event
from .log.foreign import ForeignChunk
from .log.protocol import Record, decoded_bytes
from .store.protocol import Item

__all__ = ["Normalises", "Reads", "Supplied", "Supply"]


class Normalises(Protocol):
    """Makes events of lines."""

    def events(self, chunk: Chunk) -> list[Event]:
        """Return an event for each line, in order. Never raises."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """Items to write together."""

    items: list[Item]
    pieces: tuple[Piece, ...]
    """The lines that the items were made of, in the same order."""
    size: int
    """About how many bytes they hold (`decoded_bytes`)."""
    position: int
    """The last record that they touch."""
    appended_ns: int
    """When the first of their records came; all came on one UTC day."""
    complete: bool
    """They end with their last record: only then may the store be flushed, or its position would promise too much."""


class Reads(Protocol):
    """What is asked of a log here."""

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """See `Log.read`."""


class Supply:
    """Reads a log from a position on. One `next` at a time."""

    def __init__(self, log: Reads, normaliser: Normalises, *, batch_bytes_max: int, batch_lines_max: int) -> None:
        self._log = log
        self._normaliser = normaliser
        self._bytes_max = batch_bytes_max
        self._lines_max = batch_lines_max
        self._batches: deque[Batch] = deque()

    async def next(self, after: int, *, wait_s: float) -> Supplied | None:
        """Return what follows the position, which is that of the last batch, or where to begin; None if nothing does.

        Waits at most `wait_s` seconds for it.
        """
        if not self._batches:
            records = await self._log.read(after, bytes_max=self._bytes_max, wait_s=wait_s)
            self._batches.extend(cut(records, lines_max=self._lines_max))
        if not self._batches:
            return None
        batch = self._batches.popleft()
        items = await asyncio.to_thread(self._normalise, batch)
        size = sum(decoded_bytes(piece.chunk) for piece in batch.pieces)
        return Supplied(items, batch.pieces, size, batch.position, batch.appended_ns, batch.complete)

    def _normalise(self, batch: Batch) -> list[Item]:
        return [Item(piece.position, event) for piece in batch.pieces for event in self._events(piece.chunk)]

    def _events(self, chunk: Chunk | ForeignChunk) -> Sequence[Event]:
        return chunk.events if isinstance(chunk, ForeignChunk) else self._normaliser.events(chunk)
