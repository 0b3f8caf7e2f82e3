"""From the log to the store: read behind the store's position, normalise, write, flush.

The position is the store's own, so a kill at any point repeats or loses nothing. While the store writes and flushes
(native threads), the next batch is read and normalised in a thread: that is what keeps two cores busy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from clew_agent.errors import ClewError
from clew_agent.metrics import Metrics

from .dead_letters import Desk
from .errors import LogError
from .event import Event
from .flush import FlushPolicy
from .live import Broadcast
from .log.growth import Growth
from .log.protocol import Log
from .store.protocol import Item, Store, Verdict
from .supply import Normalises, Supplied, Supply

__all__ = ["Consumer", "ConsumerLimits", "retry_wait_s"]

READ_WAIT_S = 1.0
DRAIN_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """See `CollectorSettings`, whose names these are."""

    flush: FlushPolicy
    busy_lag_bytes: int
    batch_bytes_max: int
    batch_lines_max: int
    retry_wait_s_min: float
    retry_wait_s_max: float


def retry_wait_s(attempt: int, limits: ConsumerLimits) -> float:
    """Return how long to wait before the attempt after `attempt` (1, 2, ...) failed ones."""
    # The exponent is bounded: a store that is down for days must not overflow a float.
    return min(limits.retry_wait_s_max, limits.retry_wait_s_min * 2.0 ** min(attempt - 1, 60))


class Consumer:
    """Moves the log into the store while `run` runs. For one event loop; one consumer a store."""

    def __init__(
        self,
        *,
        log: Log,
        store: Store,
        normaliser: Normalises,
        desk: Desk,
        live: Broadcast,
        metrics: Metrics,
        limits: ConsumerLimits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._store = store
        self._normaliser = normaliser
        self._desk = desk
        self._live = live
        self._metrics = metrics
        self._limits = limits
        self._monotonic = monotonic
        self._logger = structlog.get_logger()
        self._stop = asyncio.Event()
        self._progress = Growth()
        self._ended = False
        self._failure: Exception | None = None
        self._attempts = 0
        self._position = 0
        self._written = 0
        self._unflushed = 0
        self._unflushed_bytes = 0
        self._flushed_at = float("-inf")
        self._created: list[Event] = []

    @property
    def position(self) -> int:
        """Up to which log position everything is in the store, durable and searchable."""
        return self._position

    @property
    def problem(self) -> str | None:
        """What keeps it from going on, in words; None when all is well."""
        return None if self._failure is None else f"{self._failure} (attempt {self._attempts})"

    async def run(self) -> None:
        """Consume until `stop`. Failures of log and store are repeated for ever, from the store's position."""
        try:
            while not self._stop.is_set():
                try:
                    await self._consume()
                except Exception as error:  # noqa: BLE001 - also a defect must show in readiness and be tried again
                    await self._fail(error)
        finally:
            self._ended = True
            self._progress.announce()

    def stop(self) -> None:
        """Make `run` write what it has read, flush, and return."""
        self._stop.set()

    async def drain(self) -> None:
        """Return once everything that the log has now is in the store.

        Raises the failure when that was tried and failed several times in a row, LogError when it is not running.
        """
        # The end comes nearer when Kafka gives what was not read yet to another collector.
        target = await self._log.end()
        while self._position < (target := min(target, await self._log.end())):
            if self._failure is not None and self._attempts >= DRAIN_ATTEMPTS_MAX:
                raise self._failure
            if self._ended:
                raise LogError(f"the consumer stopped at {self._position}, the log ends at {target}")
            mark = self._progress.mark()
            await self._progress.wait(mark, READ_WAIT_S)

    async def _consume(self) -> None:
        """Consume from the store's position until told to stop, or until something fails."""
        supply = Supply(
            self._log,
            self._normaliser,
            batch_bytes_max=self._limits.batch_bytes_max,
            batch_lines_max=self._limits.batch_lines_max,
        )
        self._created.clear()
        self._unflushed = self._unflushed_bytes = 0
        self._reach(await self._store.position())
        stopping = asyncio.create_task(self._stop.wait())
        preparing = asyncio.create_task(supply.next(self._position, wait_s=READ_WAIT_S))
        complete, after = True, self._position
        try:
            while True:
                # A record is written whole before anything else.
                wait_s = await self._due_in_s(complete)
                await asyncio.wait(
                    {preparing} if not complete else {preparing, stopping},
                    timeout=wait_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if preparing.done():
                    if preparing.exception() is not None and complete:
                        # What came before the record that cannot be read is good.
                        await self._flush()
                    supplied = preparing.result()
                    if supplied is not None:
                        complete, after = supplied.complete, supplied.position
                    preparing = asyncio.create_task(supply.next(after, wait_s=READ_WAIT_S))
                    await self._write(supplied)
                if complete and (self._stop.is_set() or await self._due_in_s(complete) == 0):
                    await self._flush()
                if complete and self._stop.is_set():
                    return
        finally:
            preparing.cancel()
            stopping.cancel()
            await asyncio.gather(preparing, stopping, return_exceptions=True)

    async def _due_in_s(self, complete: bool) -> float | None:
        if not complete:
            return None
        since = self._monotonic() - self._flushed_at
        busy = bool(self._unflushed) and await self._log.lag_bytes(self._written) >= self._limits.busy_lag_bytes
        return self._limits.flush.due_in_s(
            events=self._unflushed, size=self._unflushed_bytes, since_flush_s=since, busy=busy
        )

    async def _write(self, supplied: Supplied | None) -> None:
        if supplied is None:
            self._well()
            return
        begun = self._monotonic()
        verdicts = await self._store.write(supplied.items)
        self._metrics.observe("clew_store_write_duration", self._monotonic() - begun)
        self._written = supplied.position
        self._unflushed += len(supplied.items)
        self._unflushed_bytes += supplied.size
        for verdict in Verdict:
            if count := verdicts.count(verdict):
                self._metrics.count("clew_consumer_events", count, verdict=verdict.value)
        await self._desk.settle(supplied.items, supplied.pieces, verdicts, self._store.rejections)
        if self._live.listened:
            self._created += _created(supplied.items, verdicts)

    async def _flush(self) -> None:
        if not self._unflushed:
            return
        await self._store.flush()
        self._flushed_at = self._monotonic()
        self._unflushed = self._unflushed_bytes = 0
        self._well()
        self._reach(max(self._written, await self._store.position()))
        await self._log.stored(self._position)
        created, self._created = self._created, []
        if created:
            self._live.publish(created)
        self._metrics.level("clew_consumer_lag", await self._log.lag_bytes(self._position))

    def _reach(self, position: int) -> None:
        self._position = self._written = position
        self._progress.announce()

    def _well(self) -> None:
        if self._failure is not None:
            self._logger.info("Consuming goes on.", position=self._position, attempts=self._attempts)
        self._failure, self._attempts = None, 0

    async def _fail(self, error: Exception) -> None:
        # A cause that lasts is told once; how often it was met is counted.
        told = repr(error) == repr(self._failure)
        self._failure = error
        self._attempts += 1
        self._metrics.count("clew_consumer_retries")
        self._progress.announce()
        wait_s = retry_wait_s(self._attempts, self._limits)
        hint = error.hint if isinstance(error, ClewError) else ""
        (self._logger.debug if told else self._logger.error)(
            "Consuming failed and is repeated.",
            position=self._position, attempt=self._attempts, error=repr(error), hint=hint, wait_s=wait_s,
        )  # fmt: skip
        try:
            async with asyncio.timeout(wait_s):
                await self._stop.wait()
        except TimeoutError:
            return


def _created(items: Sequence[Item], verdicts: Sequence[Verdict]) -> list[Event]:
    return [item.event for item, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.CREATED]
