"""Events that just became searchable, for live tails. A slow reader loses the oldest, and is told how many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from clew_agent.errors import ClewError
from clew_agent.metrics import Metrics

from .event import Event

__all__ = ["Broadcast", "Subscription"]


class Subscription:
    """One reader's queue; a context manager, which ends it."""

    def __init__(self, broadcast: Broadcast, events_max: int) -> None:
        self._broadcast = broadcast
        self._events: deque[Event] = deque(maxlen=events_max)
        self._dropped = 0
        self._filled = asyncio.Event()

    async def next(self, timeout_s: float) -> Sequence[Event]:
        """Return the events that came since, at least one, or none after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._filled.wait()
        except TimeoutError:
            return ()
        self._filled.clear()
        events = tuple(self._events)
        self._events.clear()
        return events

    def take_dropped(self) -> int:
        """Return how many were dropped since last asked; they were older than what `next` gives."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def put(self, events: Sequence[Event]) -> int:
        """Take events without waiting; return how many (of these or older ones) were dropped for them."""
        assert self._events.maxlen is not None
        dropped = max(0, len(self._events) + len(events) - self._events.maxlen)
        self._events.extend(events)
        self._dropped += dropped
        if events:
            self._filled.set()
        return dropped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._broadcast.remove(self)


class Broadcast:
    """Gives published events to every tail. For one event loop."""

    def __init__(self, metrics: Metrics, *, events_max: int, subscriptions_max: int) -> None:
        self._metrics = metrics
        self._events_max = events_max
        self._subscriptions_max = subscriptions_max
        self._subscriptions: set[Subscription] = set()

    @property
    def listened(self) -> bool:
        """Whether there is anyone to publish to."""
        return bool(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Return a tail of what is published from now on; ClewError when there are too many."""
        if len(self._subscriptions) >= self._subscriptions_max:
            raise ClewError(
                f"{self._subscriptions_max} live tails are open already",
                hint="close one, or raise the collector's `tails_max`",
            )
        subscription = Subscription(self, self._events_max)
        self._subscriptions.add(subscription)
        return subscription

    def publish(self, events: Sequence[Event]) -> None:
        """Give events to every tail, without waiting for any."""
        for subscription in self._subscriptions:
            if dropped := subscription.put(events):
                self._metrics.count("clew_stream_dropped", dropped)

    def remove(self, subscription: Subscription) -> None:
        """Forget a tail."""
        self._subscriptions.discard(subscription)
