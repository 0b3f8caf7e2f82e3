"""How much may be given up before it is rather our own mistake. Pure."""

from __future__ import annotations

from collections import deque

__all__ = ["ShareLimit"]


class ShareLimit:
    """Of the last `events` or so, at most `share_max` may become dead letters; the first `free` of them in any case.

    A wrong mapping or a topic of another kind would otherwise send everything there.
    """

    def __init__(self, share_max: float, *, events: int = 10_000, free: int = 100) -> None:
        self._share_max = share_max
        self._events_max = events
        self._free = free
        self._recent: deque[tuple[int, int]] = deque()
        self._events = 0
        self._rejected = 0

    def admits(self, events: int, rejected: int) -> bool:
        """Return whether `rejected` of `events` may be given up; if so, they count from now on."""
        total, given_up = self._events + events, self._rejected + rejected
        if rejected and given_up > self._free and given_up > self._share_max * total:
            return False
        self._recent.append((events, rejected))
        self._events, self._rejected = total, given_up
        while self._recent and self._events - self._recent[0][0] >= self._events_max:
            old_events, old_rejected = self._recent.popleft()
            self._events -= old_events
            self._rejected -= old_rejected
        return True

    @property
    def share(self) -> float:
        """What was given up of the recent ones."""
        return self._rejected / self._events if self._events else 0.0
