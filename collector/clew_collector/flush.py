"""When to flush the store, as a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FlushPolicy"]


@dataclass(frozen=True, slots=True)
class FlushPolicy:
    """A flush has a fixed price: when quiet, one a short while after the last; while behind, few and large."""

    interval_s: float
    interval_busy_s: float
    events_max: int
    bytes_max: int

    def due_in_s(self, *, events: int, size: int, since_flush_s: float, busy: bool) -> float | None:
        """Return after how many seconds to flush (0: now), None if nothing waits.

        `events` of `size` bytes were written since the last flush, `since_flush_s` ago; `busy`: the store is behind the
        log. The first events after a pause are flushed at once.
        """
        if not events:
            return None
        if events >= self.events_max or size >= self.bytes_max:
            return 0.0
        return max(0.0, (self.interval_busy_s if busy else self.interval_s) - since_flush_s)
