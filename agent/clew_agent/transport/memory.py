"""A transport that keeps what it is given, and fails when told to: for tests, and for trying things out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from clew_agent.clock import TimeExchange
from clew_agent.errors import ChunkRefused, TransportError
from clew_agent.wire import Chunk, Heartbeat, decode_chunk, encode_chunk

__all__ = ["MemoryTransport"]


class MemoryTransport:
    """Keeps chunks as they would arrive. It does not look for lines that it has already."""

    def __init__(self, *, refuses: Callable[[Chunk], bool] = lambda _chunk: False) -> None:
        self.chunks: list[Chunk] = []
        self.beats: list[Heartbeat] = []
        self.sends = 0
        """How often `send` was called."""
        self.time: TimeExchange | None = None
        self.closed = False
        self._refuses = refuses
        self._failures: deque[tuple[TransportError, bool]] = deque()

    def fail_next(self, error: TransportError, *, arrived: bool = False) -> None:
        """Let the next send raise this error (further calls: the ones after it); `arrived`: having kept the chunks."""
        self._failures.append((error, arrived))

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """See Transport."""
        self.sends += 1
        failure = self._failures.popleft() if self._failures else None
        if failure and not failure[1]:
            raise failure[0]
        if any(self._refuses(chunk) for chunk in chunks):
            raise ChunkRefused("the chunk is not wanted")
        self.chunks += [decode_chunk(encode_chunk(chunk)) for chunk in chunks]
        if failure:
            raise failure[0]

    async def heartbeat(self, beat: Heartbeat) -> None:
        """See Transport."""
        self.beats.append(beat)

    async def exchange_time(self) -> TimeExchange | None:
        """See Transport: what the test gave."""
        return self.time

    async def close(self) -> None:
        """See Transport."""
        self.closed = True
