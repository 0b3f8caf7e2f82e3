"""How far this host's clock is from the receiver's, by exchanges of four times. Pure.

As in NTP (RFC 5905, section 8): the request leaves at `sent` (our clock), comes at `received` and is answered at
`answered` (theirs), the answer comes at `returned` (ours). The offset is known within half of the time on the way, as
the way out may have taken all of it or none. The best of the last exchanges counts; with age it becomes less certain,
because clocks drift apart (RFC 5905: 15 ppm at most, where they are kept at all).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from clew_agent.wire import ClockOffset

__all__ = ["ClockFilter", "TimeExchange", "aged_uncertainty_ns", "offset_of"]

EXCHANGES_KEPT = 8
DRIFT_PPM = 15


@dataclass(frozen=True, slots=True)
class TimeExchange:
    """Four times, ns UTC, each by the clock of the side where it was taken."""

    sent: int
    received: int
    answered: int
    returned: int


def offset_of(exchange: TimeExchange) -> ClockOffset | None:
    """Return how far our clock is ahead; None if a clock was set in between, so that the times make no sense."""
    there = exchange.answered - exchange.received
    on_the_way = exchange.returned - exchange.sent - there
    if there < 0 or on_the_way < 0:
        return None
    ahead = (exchange.sent - exchange.received) + (exchange.returned - exchange.answered)
    return ClockOffset(offset_ns=ahead // 2, uncertainty_ns=on_the_way // 2 + 1, measured_ns=exchange.returned)


def aged_uncertainty_ns(offset: ClockOffset, now_ns: int) -> int:
    """Return within what the offset is known at a time that is not that of its measurement."""
    return offset.uncertainty_ns + abs(now_ns - offset.measured_ns) * DRIFT_PPM // 1_000_000


class ClockFilter:
    """Keeps the last exchanges' offsets and gives the most certain one."""

    def __init__(self) -> None:
        self._offsets: deque[ClockOffset] = deque(maxlen=EXCHANGES_KEPT)

    def add(self, exchange: TimeExchange | None) -> None:
        """Take an exchange; nothing where there was none. One that contradicts all before it begins anew."""
        offset = None if exchange is None else offset_of(exchange)
        if offset is None:
            return
        best = self.best(offset.measured_ns)
        if best is not None:
            apart = abs(best.offset_ns - offset.offset_ns)
            if apart > aged_uncertainty_ns(best, offset.measured_ns) + offset.uncertainty_ns:
                # Both cannot be true of one clock: it was set.
                self._offsets.clear()
        self._offsets.append(offset)

    def best(self, now_ns: int) -> ClockOffset | None:
        """Return the offset that is most certain now, None before the first."""
        return min(self._offsets, key=lambda offset: aged_uncertainty_ns(offset, now_ns), default=None)
