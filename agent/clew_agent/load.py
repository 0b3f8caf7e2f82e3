"""What the agent's time goes to, so that its status can name the stage that is saturated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["SATURATED", "Load", "saturated"]

SATURATED = 0.8
"""A stage that takes more of the time than this holds up the others."""


class Load:
    """Measures how long the one who reads was reading, waited for the receiver, or had nothing to do."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._spent_s = {"reading": 0.0, "receiver": 0.0, "idle": 0.0}
        self._stage = "idle"
        self._since_s = clock_s()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Be in this stage meanwhile, then in the one before again."""
        before, self._stage = self._stage, self._settle(name)
        try:
            yield
        finally:
            self._stage = self._settle(before)

    def shares(self) -> dict[str, float]:
        """Return the share of each stage since last asked, 0 to 1."""
        self._settle(self._stage)
        total = sum(self._spent_s.values()) or 1.0
        shares = {name: round(spent / total, 3) for name, spent in self._spent_s.items()}
        self._spent_s = dict.fromkeys(self._spent_s, 0.0)
        return shares

    def _settle(self, name: str) -> str:
        now = self._clock_s()
        self._spent_s[self._stage] += now - self._since_s
        self._since_s = now
        return name


def saturated(shares: dict[str, float]) -> str:
    """Return the stage that holds up the others, empty if none does."""
    name = max(shares, key=lambda stage: shares[stage], default="idle")
    return name if name != "idle" and shares[name] >= SATURATED else ""
