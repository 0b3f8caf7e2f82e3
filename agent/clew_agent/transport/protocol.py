"""The seam between the agent and whoever takes its chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clew_agent.clock import TimeExchange
from clew_agent.wire import Chunk, Heartbeat

__all__ = ["Transport"]


class Transport(Protocol):
    """Takes chunks and says when they are durable. Implementations: HTTP, Kafka, memory."""

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Return once the receiver has every chunk durably.

        Raises TransportUnavailable when the same chunks should be sent again (some may already have arrived: that
        is harmless), ChunkRefused when it never will take them. Does not retry by itself. Not promised: that
        nothing arrived when it raises.
        """

    async def heartbeat(self, beat: Heartbeat) -> None:
        """Report the ledger. Raises as `send` does."""

    async def exchange_time(self) -> TimeExchange | None:
        """Ask the receiver for its time; None if it has no clock that could be asked. Raises as `send` does."""

    async def close(self) -> None:
        """Free connections. Waits for nothing."""
