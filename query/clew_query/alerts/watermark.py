"""Up to which time the store has everything: where alerts are evaluated.

An agent's report says, for each file, how much it has seen and how much the collector acknowledged. When all of that is
acknowledged, every line that the agent had seen when it reported is in the log; when the store then reaches the log's
end, it is searchable. The watermark is the time of the oldest such report over all agents. What an agent had not seen
yet (it looks at once where inotify works) is late by as much, and counts at the next evaluation.

An agent that is behind holds it back, but not further than `lag_max_s` behind the clock, so that a dead host does not
silence alerts; one that has said nothing for `silent_after_s` is not waited for at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from clew_agent.wire import Heartbeat

__all__ = ["IngestWatermark", "Watermark", "delayed_clock", "reported_until"]

PENDING_MAX = 64

Watermark = Callable[[], Awaitable[int | None]]
"""Returns ns UTC, or None while nothing is known."""


def delayed_clock(clock: Callable[[], int], delay_s: float) -> Watermark:
    """Return the simplest watermark: the clock, and that everything arrives within `delay_s`."""

    async def watermark() -> int:
        return clock() - round(delay_s * 1e9)

    return watermark


def reported_until(beat: Heartbeat) -> int | None:
    """Return the time, ns UTC, up to which this agent's lines are all acknowledged; None if some are not.

    A last line that is not complete yet holds its file back until it is, or the caller's limit passes.
    """
    return beat.sent_ns if all(file.acknowledged >= file.seen for file in beat.files) else None


@dataclass(frozen=True, slots=True)
class _Promise:
    """When the store holds the log up to `position`, it has everything up to `time`."""

    position: int
    time: int


class IngestWatermark:
    """The watermark of one collector; call it to know how far it is. It never goes back."""

    def __init__(
        self,
        *,
        beats: Callable[[], Awaitable[Sequence[Heartbeat]]],
        log_end: Callable[[], Awaitable[int]],
        store_position: Callable[[], Awaitable[int]],
        clock: Callable[[], int],
        lag_max_s: float = 30.0,
        silent_after_s: float = 120.0,
    ) -> None:
        self._beats = beats
        self._log_end = log_end
        self._store_position = store_position
        self._clock = clock
        self._lag_max_ns = round(lag_max_s * 1e9)
        self._silent_after_ns = round(silent_after_s * 1e9)
        self._reported: dict[str, int] = {}
        self._promises: deque[_Promise] = deque()
        self._reached = 0

    async def __call__(self) -> int | None:
        """Return the watermark, ns UTC; None before the first report and while the store is empty."""
        now = self._clock()
        agents = {beat.agent_id: beat for beat in await self._beats() if beat.sent_ns > now - self._silent_after_ns}
        for agent_id, beat in agents.items():
            if (until := reported_until(beat)) is not None:
                self._reported[agent_id] = max(until, self._reported.get(agent_id, 0))
        self._reported = {agent_id: time for agent_id, time in self._reported.items() if agent_id in agents}
        # The log's end is asked after the reports were read: what they call acknowledged lies below it.
        end = await self._log_end()
        if agents and end:
            reported = min(self._reported.get(agent_id, 0) for agent_id in agents)
            newest = self._promises[-1].time if self._promises else self._reached
            if reported > newest and len(self._promises) < PENDING_MAX:
                self._promises.append(_Promise(end, reported))
        stored = await self._store_position()
        while self._promises and self._promises[0].position <= stored:
            self._reached = max(self._reached, self._promises.popleft().time)
        if not end:
            return None
        self._reached = max(self._reached, now - self._lag_max_ns)
        return min(self._reached, now)
