"""A receiver that answers as told, and metrics that go nowhere."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from opentelemetry.metrics import NoOpMeter

from clew_agent.metrics import Metrics
from clew_query.alerts.notification import Notification
from clew_query.alerts.notifier import Outcome, Result

DELIVERED = Outcome(Result.DELIVERED)


class Receiver:
    """A notifier that remembers what it was sent; answers in turn, then always delivered."""

    def __init__(self, answers: Iterable[Outcome] = ()) -> None:
        self._answers = iter(answers)
        self.received: list[Notification] = []
        self.closed = False
        self._untold = asyncio.Semaphore(0)

    async def receive(self, count: int = 1) -> None:
        """Wait for so many more notifications."""
        for _ in range(count):
            await self._untold.acquire()

    async def send(self, notification: Notification) -> Outcome:
        self.received.append(notification)
        self._untold.release()
        return next(self._answers, DELIVERED)

    async def close(self) -> None:
        self.closed = True


class CountingMetrics(Metrics):
    """Metrics whose counts a test can read."""

    def __init__(self) -> None:
        super().__init__(NoOpMeter("test"))
        self.counted: list[tuple[str, str]] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        super().count(name, amount, **labels)
        self.counted += [(name, labels["result"])] * amount


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


@pytest.fixture
def receiver_of() -> Callable[..., Receiver]:
    return Receiver
