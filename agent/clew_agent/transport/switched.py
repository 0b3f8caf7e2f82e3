"""A transport in front of another one that can be exchanged while chunks are on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from clew_agent.clock import TimeExchange
from clew_agent.wire import Chunk, Heartbeat

from .protocol import Transport

__all__ = ["SwitchedTransport"]


class SwitchedTransport:
    """Owns the transport behind it. The one that is replaced is closed once nothing is on its way through it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._under_way: Counter[Transport] = Counter()

    async def switch(self, transport: Transport) -> None:
        """Send through this one from now on."""
        replaced, self._transport = self._transport, transport
        if not self._under_way[replaced]:
            await replaced.close()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """See Transport."""
        async with self._used() as transport:
            await transport.send(chunks)

    async def heartbeat(self, beat: Heartbeat) -> None:
        """See Transport."""
        async with self._used() as transport:
            await transport.heartbeat(beat)

    async def exchange_time(self) -> TimeExchange | None:
        """See Transport."""
        async with self._used() as transport:
            return await transport.exchange_time()

    async def close(self) -> None:
        """See Transport."""
        await self._transport.close()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[Transport]:
        transport = self._transport
        self._under_way[transport] += 1
        try:
            yield transport
        finally:
            self._under_way[transport] -= 1
            if transport is not self._transport and not self._under_way[transport]:
                await transport.close()
