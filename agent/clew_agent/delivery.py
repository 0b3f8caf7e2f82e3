"""Getting chunks to the receiver: again and again until it has them, or has said that it never will."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog

from clew_agent.errors import ChunkRefused, TransportError
from clew_agent.metrics import Metrics
from clew_agent.transport import RetryPolicy, Transport
from clew_agent.wire import Chunk

__all__ = ["Delivery", "Refusal"]

_log = structlog.get_logger()


class Refusal(NamedTuple):
    """A line that the receiver will never take."""

    line: Chunk
    """It alone."""
    why: str


class Delivery:
    """Sends one batch at a time over a transport."""

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy,
        metrics: Metrics,
        *,
        luck: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._metrics = metrics
        self._luck = luck
        self._sleep = sleep
        self.trouble = ""
        """Why the last attempt failed; empty when it did not."""

    def use(self, policy: RetryPolicy) -> None:
        """Wait as this policy says from the next failure on."""
        self._policy = policy

    async def deliver(self, chunks: Sequence[Chunk]) -> list[list[Refusal]]:
        """Return, for each chunk, which of its lines were refused; all others the receiver has durably then.

        Does not return before that is known of every line. What is refused is halved until it is one line: twice as
        many requests as there are lines at most, and a dozen for one line among thousands.
        """
        why = await self._send(chunks)
        if why is None:
            return [[] for _ in chunks]
        if len(chunks) > 1:
            middle = len(chunks) // 2
            return [*await self.deliver(chunks[:middle]), *await self.deliver(chunks[middle:])]
        chunk = chunks[0]
        if chunk.count == 1:
            return [[Refusal(chunk, why)]]
        middle = chunk.count // 2
        refused: list[Refusal] = []
        for half in (chunk.select(0, middle), chunk.select(middle, chunk.count)):
            refused += (await self.deliver([half]))[0]
        return [refused]

    async def _send(self, chunks: Sequence[Chunk]) -> str | None:
        """Return None once acknowledged, or why it never will be."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._transport.send(chunks)
            except TransportError as error:
                failures += 1
                decision = self._policy.decide(error, failures=failures, luck=self._luck())
                self._note(error)
                if decision.wait_s is None:
                    return error.message
                await self._sleep(decision.wait_s)
            else:
                self._metrics.observe("clew_agent_send_duration", time.monotonic() - began)
                self._metrics.count("clew_agent_sends", result="acknowledged")
                if self.trouble:
                    _log.info("The receiver takes chunks again.", failures=failures)
                self.trouble = ""
                return None

    def _note(self, error: TransportError) -> None:
        result = "refused" if isinstance(error, ChunkRefused) else "unavailable"
        self._metrics.count("clew_agent_sends", result=result)
        if error.message != self.trouble:
            _log.warning("The receiver did not take the chunks.", error=error.message, hint=error.hint, result=result)
        self.trouble = error.message
