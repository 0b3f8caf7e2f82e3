"""The seam to the log: durable chunks in one order, read from a position. The log is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clew_agent.wire import Chunk

from .foreign import ForeignChunk

__all__ = ["LOCAL_TOPIC", "Appended", "FileCoverage", "Log", "Place", "Record", "decoded_bytes"]

LOCAL_TOPIC = "log"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is: of Kafka the topic, the partition and the offset; elsewhere `log`, 0 and the position."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk in the log, or what others wrote there. Positions grow by append, start at 1, and are never reused."""

    position: int
    appended_ns: int
    chunk: Chunk | ForeignChunk
    bytes: int
    """What it takes in the log, encoded."""
    place: Place | None = None
    """Where it is, if that is not its position."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did, in lines: `duplicate` lines were in the log already and were passed over."""

    accepted: int
    duplicate: int


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """One gapless run of a file's bytes that the log has: `start` <= byte < `end`."""

    file_id: str
    start: int
    end: int


def decoded_bytes(chunk: Chunk | ForeignChunk) -> int:
    """Return about how many bytes the chunk takes in memory: what limits on reading count."""
    if isinstance(chunk, ForeignChunk):
        return len(chunk.value)
    columns = (chunk.payload, chunk.lengths, chunk.sizes, chunk.offsets, chunk.ids, chunk.origins)
    return sum(map(len, columns))


class Log(Protocol):
    """Appends chunks durably, reads them back. Implementations: SQLite, Kafka, memory."""

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        """Keep the lines that the log does not have yet of their file, all or nothing, durable on return.

        `encoded`: the same chunks as they came over the wire, if at hand; what is kept whole is not encoded again.
        Raises LogFull when there is no space, LogError for other failures; then nothing of it was kept.
        """

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """Return records with a position above `after`, in order: at least one if there is one, then up to `bytes_max`.

        `bytes_max` counts what the chunks take decoded (`decoded_bytes`).
        Waits at most `wait_s` seconds for the first one; an empty list when there is none.
        """

    async def stored(self, position: int) -> None:
        """Note that the store has everything up to the position, durably: whoever reads next begins behind it.

        A log whose position the store itself keeps has nothing to do here. Not promised: that it is noted at once.
        """

    async def end(self) -> int:
        """Return the position of the last record, 0 when empty."""

    async def lag_bytes(self, after: int) -> int:
        """Return how many encoded bytes lie above the position."""

    async def position_at(self, time_ns: int) -> int:
        """Return the highest position appended before the time (0 if none): reading after it replays from there."""

    async def coverage(self) -> list[FileCoverage]:
        """Return which bytes of which files the log has, by file id and start; requests (OTLP) are no files."""

    async def close(self) -> None:
        """Free files and threads."""
