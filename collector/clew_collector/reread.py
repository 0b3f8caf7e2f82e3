"""Reading Kafka again, from a time to a time, into the store of a cluster.

What the store has it keeps as it is, so where nothing is missing nothing changes. What is missing, because an index was
removed or a letter thrown away, comes back, by the rules of this version.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from clew_agent.errors import ClewError, SettingsError
from clew_agent.metrics import Metrics

from .dead_letters import DeadLetter, DeadLetters, Desk, ShareLimit
from .normalise import Normaliser
from .replay import Progress
from .settings import CollectorSettings
from .store.elasticsearch import ElasticsearchStore
from .store.protocol import Store, Verdict
from .supply import Supply

if TYPE_CHECKING:
    from .log.kafka.span import KafkaSpan

__all__ = ["Reread", "parse_moment", "reread_kafka"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reread:
    """What was read again, and what became of it. `events` = `created` + `known` + `rejected`."""

    records: int
    events: int
    created: int
    """Were missing in the store."""
    known: int
    """Were there."""
    rejected: int
    """Are dead letters, as before."""
    letters: int
    """Dead letters that were not there before."""
    seconds: float


def parse_moment(text: str) -> int:
    """Return the time, ns UTC, of an RFC 3339 time or a date; ClewError if it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClewError(f"`{text}` is no time", hint="write it as 2026-11-24T12:00:00Z or 2026-11-24") from error
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


async def reread_kafka(
    settings: CollectorSettings,
    metrics: Metrics,
    *,
    since_ns: int = 0,
    until_ns: int | None = None,
    progress: Progress,
) -> Reread:
    """Read again what was written to Kafka in a span of time; collectors may run meanwhile. LogError, StoreError."""
    from .dead_letters.kafka import KafkaDeadLetters  # noqa: PLC0415 - Kafka's client, for those who use it
    from .log.kafka.span import KafkaSpan  # noqa: PLC0415
    from .log.opening import client_id  # noqa: PLC0415

    kafka, elasticsearch = settings.log.kafka, settings.store.elasticsearch
    if kafka is None or elasticsearch is None:
        raise SettingsError("there is no Kafka in this configuration", hint="a data directory is replayed with --data")
    begun = time.monotonic()
    letters = _NewOnly(KafkaDeadLetters(kafka, client_id=client_id()))
    desk = Desk(letters, ShareLimit(settings.dead_letters_share_max), metrics)
    store = ElasticsearchStore.open(elasticsearch, metrics=metrics)
    span: KafkaSpan | None = None
    try:
        await letters.look()
        span = await KafkaSpan.open(
            kafka, client_id=client_id(), bury=desk.record, since_ns=since_ns, until_ns=until_ns
        )
        verdicts = await _copy(span, store, desk, settings, progress)
    finally:
        if span is not None:
            await span.close()
        await store.close()
        await letters.close()
    return Reread(
        records=span.records,
        events=verdicts.total(),
        created=verdicts[Verdict.CREATED],
        known=verdicts[Verdict.DUPLICATE],
        rejected=verdicts[Verdict.REJECTED],
        letters=letters.new,
        seconds=time.monotonic() - begun,
    )


class _NewOnly:
    """Implements `DeadLetters` over another one: what is a letter already is not counted again."""

    def __init__(self, place: DeadLetters) -> None:
        self._place = place
        self._known: set[str] = set()
        self.new = 0

    async def look(self) -> None:
        """Learn what there is."""
        self._known = {letter.id for letter in await self._place.letters()}

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters`."""
        new = [letter for letter in letters if letter.id not in self._known]
        if new:
            await self._place.bury(new)
        self._known |= {letter.id for letter in new}
        self.new += len(new)

    async def letters(self) -> list[DeadLetter]:
        """See `DeadLetters`."""
        return await self._place.letters()

    async def remove(self, ids: Sequence[str]) -> None:
        """See `DeadLetters`."""
        await self._place.remove(ids)

    async def close(self) -> None:
        """See `DeadLetters`."""
        await self._place.close()


async def _copy(
    span: KafkaSpan, store: Store, desk: Desk, settings: CollectorSettings, progress: Progress
) -> Counter[Verdict]:
    supply = Supply(
        span, Normaliser(), batch_bytes_max=settings.batch_bytes_max, batch_lines_max=settings.batch_lines_max
    )
    found: Counter[Verdict] = Counter()
    unflushed = 0
    preparing = asyncio.create_task(supply.next(0, wait_s=0))
    try:
        while (supplied := await preparing) is not None:
            preparing = asyncio.create_task(supply.next(supplied.position, wait_s=0))
            verdicts = await store.write(supplied.items)
            await desk.settle(supplied.items, supplied.pieces, verdicts, store.rejections)
            found.update(verdicts)
            unflushed += len(verdicts)
            if unflushed >= settings.flush_events_max:
                await store.flush()
                unflushed = 0
            progress(span.records, span.records_total)
        await store.flush()
    finally:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
    return found
