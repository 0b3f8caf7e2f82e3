"""Waiting for the log to grow, without a lost wake-up."""

from __future__ import annotations

import asyncio

__all__ = ["Growth"]


class Growth:
    """Wakes everyone who waits each time it is announced.

    Take the `mark` first, then look; waiting for a mark that was announced in between returns at once.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def mark(self) -> asyncio.Event:
        """Return what the next announcement sets."""
        return self._event

    def announce(self) -> None:
        """Wake everyone who waits."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    @staticmethod
    async def wait(mark: asyncio.Event, timeout_s: float) -> bool:
        """Return whether it grew since the mark, waiting at most `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                return await mark.wait()
        except TimeoutError:
            return False
