"""When to send again: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

from clew_agent.errors import ChunkRefused, TransportError, TransportUnavailable

__all__ = ["RetryDecision", "RetryPolicy"]


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Send again after `wait_s` seconds, or never (None)."""

    wait_s: float | None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits that double from `initial_s` to `max_s`, without end: the file is the buffer."""

    initial_s: float
    max_s: float

    def decide(self, error: TransportError, *, failures: int, luck: float) -> RetryDecision:
        """Decide after the `failures`-th failure in a row (from 1). `luck`, 0 <= luck < 1, spreads the waits.

        A wait is between the half and the whole of the doubled one ("equal jitter"; Brooker, Exponential Backoff
        and Jitter, AWS Architecture Blog 2015), so that agents do not come back all at once. It is not shorter than
        what the receiver asked for, and never longer than `max_s`.
        """
        if isinstance(error, ChunkRefused):
            return RetryDecision(None)
        doublings = min(failures - 1, 32)
        whole = min(self.initial_s * 2**doublings, self.max_s)
        asked = error.retry_after_s if isinstance(error, TransportUnavailable) else None
        return RetryDecision(min(max(whole * (1 + luck) / 2, asked or 0.0), self.max_s))
