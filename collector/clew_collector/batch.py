"""Cutting records into batches for the store, so that memory is bounded whatever a record holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clew_agent.wire import Chunk

from .log.foreign import ForeignChunk
from .log.protocol import Place, Record

__all__ = ["Batch", "Piece", "cut"]

DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of the record at a position."""

    position: int
    chunk: Chunk | ForeignChunk
    place: Place | None = None
    """See `Record`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces of rising position, given to the store together."""

    pieces: tuple[Piece, ...]
    appended_ns: int
    """When its first record came; all came on one UTC day."""
    complete: bool
    """Ends with its last record: only then may the store be flushed, or its position would claim lines to come."""

    @property
    def position(self) -> int:
        """The last record that it touches."""
        return self.pieces[-1].position


def cut(records: Sequence[Record], *, lines_max: int) -> Iterator[Batch]:
    """Yield batches of at most `lines_max` lines and one UTC day: whole records, or parts of one that is larger."""
    gathered: list[Record] = []
    lines = 0
    for record in records:
        if gathered and (lines + record.chunk.count > lines_max or _day(record) != _day(gathered[0])):
            yield _whole(gathered)
            gathered, lines = [], 0
        if record.chunk.count > lines_max:
            yield from _parts(record, lines_max)
        else:
            gathered.append(record)
            lines += record.chunk.count
    if gathered:
        yield _whole(gathered)


def _whole(records: Sequence[Record]) -> Batch:
    pieces = tuple(Piece(record.position, record.chunk, record.place) for record in records)
    return Batch(pieces, records[0].appended_ns, complete=True)


def _parts(record: Record, lines_max: int) -> Iterator[Batch]:
    count = record.chunk.count
    for first in range(0, count, lines_max):
        last = min(first + lines_max, count)
        piece = Piece(record.position, record.chunk.select(first, last), record.place)
        yield Batch((piece,), record.appended_ns, complete=last == count)


def _day(record: Record) -> int:
    return record.appended_ns // DAY_NS
