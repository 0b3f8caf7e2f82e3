"""What Kafka's client library murmurs: kept, so that an error can say it, and not printed a thousand times.

While brokers are away aiokafka tries again by itself and only logs why. These texts are the reason that an operator
wants to read, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

__all__ = ["Murmurs"]


class Murmurs(logging.Handler):
    """Keeps the last warning of the library. One a process: `listen` returns it."""

    _the_one: Murmurs | None = None

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(level=logging.WARNING)
        self._monotonic = monotonic
        self._last = ""
        self._at = float("-inf")

    @classmethod
    def listen(cls) -> Murmurs:
        """Take the library's warnings from now on, instead of the process's log."""
        if cls._the_one is None:
            cls._the_one = cls()
            logger = logging.getLogger("aiokafka")
            logger.addHandler(cls._the_one)
            logger.propagate = False
        return cls._the_one

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is said."""
        self._last = record.getMessage()
        self._at = self._monotonic()

    def since(self, monotonic_s: float) -> str:
        """Return the last warning since that time, empty if there was none."""
        return self._last if self._at >= monotonic_s else ""
