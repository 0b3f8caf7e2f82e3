"""Live tails: bounded, in order, told what they missed."""

from __future__ import annotations

import asyncio

import pytest
from tests.recorded import RecordedMetrics

from clew_agent.errors import ClewError
from clew_collector.event import Event
from clew_collector.live import Broadcast


def event(n: int) -> Event:
    return Event(
        event_id=f"{n:032x}", observed_timestamp=n, service="s", host="h", source="f", offset=n, length=1,
        transaction_id="0", transaction_origin="generated",
    )  # fmt: skip


@pytest.fixture
def metrics() -> RecordedMetrics:
    return RecordedMetrics()


@pytest.fixture
def live(metrics: RecordedMetrics) -> Broadcast:
    return Broadcast(metrics, events_max=3, subscriptions_max=2)


class TestBroadcast:
    async def test_every_subscriber_gets_every_event(self, live: Broadcast) -> None:
        with live.subscribe() as one, live.subscribe() as other:
            live.publish([event(1), event(2)])
            assert list(await one.next(1)) == list(await other.next(1)) == [event(1), event(2)]

    async def test_waits_for_the_first_event(self, live: Broadcast) -> None:
        with live.subscribe() as tail:
            waiting = asyncio.create_task(tail.next(60))
            await asyncio.sleep(0)
            live.publish([event(1)])
            assert list(await waiting) == [event(1)]

    async def test_nothing_came(self, live: Broadcast) -> None:
        with live.subscribe() as tail:
            assert list(await tail.next(0.001)) == []

    async def test_a_slow_one_loses_the_oldest_and_is_told(self, live: Broadcast, metrics: RecordedMetrics) -> None:
        with live.subscribe() as tail:
            live.publish([event(1), event(2)])
            live.publish([event(3), event(4), event(5)])
            assert tail.take_dropped() == 2
            assert tail.take_dropped() == 0
            assert list(await tail.next(1)) == [event(3), event(4), event(5)]
            live.publish([event(n) for n in range(10)])
            assert tail.take_dropped() == 7
        assert metrics.counts["clew_stream_dropped", ()] == 9

    async def test_nobody_listens_after_the_last_left(self, live: Broadcast) -> None:
        assert not live.listened
        with live.subscribe():
            assert live.listened
        assert not live.listened

    async def test_too_many_are_refused(self, live: Broadcast) -> None:
        with live.subscribe(), live.subscribe(), pytest.raises(ClewError, match="2 live tails"):
            live.subscribe()
