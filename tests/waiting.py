"""Waiting for what a real program does elsewhere, of which no event tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["until"]

POLL_S = 0.05


async def until(ask: Callable[[], Awaitable[object]], *, timeout_s: float = 30.0) -> None:
    """Return once the answer is true; TimeoutError if it never is."""
    async with asyncio.timeout(timeout_s):
        while not await ask():  # noqa: ASYNC110 - see above
            await asyncio.sleep(POLL_S)
