"""How far the store and the group are, looked at all the time: how long after a failure all went on, and how fast."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from aiokafka.errors import KafkaError

from clew_collector.errors import StoreError
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.expression import ALL

from .offsets import Committed

__all__ = ["BUSY_LOAD", "GIVE_UP_S", "RECOVERY_S_MAX", "Failure", "Pace", "Sample", "recovery_s", "speed"]

RECOVERY_S_MAX = 30.0
"""So long after a failure's end the position that is committed must have moved again, where the machine is not busy."""
GIVE_UP_S = 300.0
"""So long anywhere."""
BUSY_LOAD = 2.0
"""From so many processes a core on that want to run, how long something took says nothing of us."""
POLL_S = 0.3
ASK_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there at a time of `time.monotonic`; None where it was not asked for, or nobody answered."""

    at: float
    stored: int | None
    """Events that are found."""
    committed: int | None
    """The sum of the offsets that the group has committed."""


@dataclass(slots=True)
class Failure:
    """Something killed, stopped or away, in terms of `time.monotonic`."""

    began: float
    ended: float = 0.0


def recovery_s(samples: Sequence[Sample], ended: float) -> float | None:
    """Return how long after a failure's end something was committed; None if that was not seen. Pure."""
    before = max((one.committed for one in samples if one.at <= ended and one.committed is not None), default=0)
    moved = (one.at for one in samples if one.at > ended and one.committed is not None and one.committed > before)
    return next((at - ended for at in moved), None)


def speed(samples: Sequence[Sample], start: float, end: float) -> float:
    """Return how many lines a second became searchable in a stretch of time; 0 if nobody answered. Pure."""
    seen = [(one.at, one.stored) for one in samples if start <= one.at <= end and one.stored is not None]
    if len(seen) < 2:
        return 0.0
    (first_at, first), (last_at, last) = seen[0], seen[-1]
    return (last - first) / (last_at - first_at)


class Pace:
    """Looks while it is entered, in a thread of its own."""

    def __init__(self, log: KafkaLogSettings, store: ElasticsearchSettings) -> None:
        self._log = log
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._look()), name="pace")
        self.samples: list[Sample] = []
        self.failures: list[Failure] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Note when a failure begins and ends."""
        failure = Failure(time.monotonic())
        yield
        failure.ended = time.monotonic()
        self.failures.append(failure)

    def recovered(self) -> bool:
        """Return whether something was committed since the last failure ended."""
        return recovery_s(self.samples, self.failures[-1].ended if self.failures else 0.0) is not None

    def recoveries(self) -> list[float]:
        """Return how long each failure's recovery took; those that the next failure cut short are left out."""
        ends = [failure.began for failure in self.failures[1:]] + [float("inf")]
        found = []
        for failure, end in zip(self.failures, ends, strict=True):
            took = recovery_s([one for one in self.samples if one.at < end], failure.ended)
            if took is not None:
                found.append(took)
            elif end - failure.ended > RECOVERY_S_MAX:
                found.append(float("inf"))
        return found

    async def _look(self) -> None:
        store = ElasticsearchStore.open(self._store.model_copy(update={"search_timeout_s": ASK_S_MAX}))
        committed = Committed(self._log, ask_s_max=ASK_S_MAX)
        try:
            # Apart, as one of them may be away. Both end by limits of their own: Kafka's client, cancelled while it
            # connects, would leave the connection open.
            await asyncio.gather(
                self._again(lambda: store.count(ALL), lambda at, count: Sample(at, count, None)),
                self._again(committed.total, lambda at, count: Sample(at, None, count)),
            )
        finally:
            await committed.close()
            await store.close()

    async def _again(self, ask: Callable[[], Awaitable[int]], sample: Callable[[float, int | None], Sample]) -> None:
        while not self._stopping.is_set():
            at, count = time.monotonic(), None
            with suppress(StoreError, KafkaError, OSError):  # it is away on purpose
                count = await ask()
            self.samples.append(sample(at, count))
            await asyncio.sleep(POLL_S)
