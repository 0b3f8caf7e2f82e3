"""`EmbeddedStore`: the store protocol over an index for each day of the log, with threads for the engine's work.

An index belongs to the day on which its events were written, not on which they happened: then one writer is open
whatever times the lines claim, and a log day and its index go together when they are old. Questions about a time ask
only the indices that have events of that time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tantivy import Document

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.admission import admit
from clew_collector.store.expression import Expression
from clew_collector.store.limits import check_facet, check_histogram, check_limit
from clew_collector.store.protocol import (
    Bucket,
    FacetValue,
    Item,
    Page,
    SearchRequest,
    StoredFile,
    TransactionPage,
    TransactionRequest,
    Verdict,
)
from clew_collector.store.summary import check_summary_expression

from . import answers
from .day import Day, DaySnapshot
from .days import Days
from .document import document_fields
from .failure import WHEN_WRITING, store_failures
from .known import KnownEvents
from .schema import SCHEMA
from .summaries import FILE_NAME, Summaries
from .writer import DayWriter

__all__ = ["EmbeddedStore"]

R = TypeVar("R")

HEAP_BYTES = 64 << 20
"""What the engine collects in memory before it writes a segment, over all its threads."""
WRITER_THREADS = 1
READER_THREADS = 4


class EmbeddedStore:
    """Implements `Store` on tantivy. One process may open a directory writable, any number may read it.

    Exactly once: `position()` is the highest position in the indices themselves, and items up to it are passed over,
    so flush only at a record's end. An event whose id is there already is passed over too.
    """

    def __init__(self, days: Days, writer: DayWriter | None, summaries: Summaries) -> None:
        self._days = days
        self._writer = writer
        self._summaries = summaries
        self._known = KnownEvents(days.current)
        self._written_position = 0
        self._durable_position: int | None = None
        self._unsettled: Day | None = None
        self._closed = False
        # The engine's writer is for one thread at a time; readers run beside it.
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="clew-store-write")
        self._reading = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="clew-store-read")

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        writable: bool,
        heap_bytes: int = HEAP_BYTES,
        threads: int = WRITER_THREADS,
        clock: Callable[[], int] = time.time_ns,
    ) -> EmbeddedStore:
        """Open the store in a directory (`store/` of a data directory), an index `YYYY-MM-DD` for each log day.

        `heap_bytes` is the writer's memory, `threads` its threads (at least 15 MB each), `clock` the time in ns UTC.
        Not writable takes no lock and never writes. StoreError if an index is damaged or of another version; nothing is
        changed then.
        """
        days = Days(directory, writable=writable)
        if not writable:
            return cls(days, None, Summaries(directory / FILE_NAME, writable=False))
        with store_failures(f"cannot use the store {directory}", WHEN_WRITING):
            directory.mkdir(parents=True, exist_ok=True)
        writer = DayWriter(directory, heap_bytes=heap_bytes, threads=threads, clock=clock)
        summaries = Summaries(directory / FILE_NAME, writable=True)
        summaries.catch_up(days.current())
        return cls(days, writer, summaries)

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        """Take events; see `Store.write`."""
        return await self._in(self._writing, self._write, items)

    def _write(self, items: Sequence[Item]) -> list[Verdict]:
        writer = self._opened_writer()
        self._settle()
        durable = self._position()
        try:
            with store_failures("the store could not write", WHEN_WRITING):
                writer.begin()
                self._known.look_up_records([item.event for item in items])
                verdicts = [self._take(item, durable, writer) for item in items]
        except StoreError:
            self._give_up(writer)
            raise
        return verdicts

    def _take(self, item: Item, durable: int, writer: DayWriter) -> Verdict:
        position = item.position
        if position <= durable:
            return Verdict.DUPLICATE
        self._written_position = max(self._written_position, position)
        event = admit(item.event)
        if event is None:
            return Verdict.REJECTED
        if not self._known.add(event):
            return Verdict.DUPLICATE
        writer.add(Document.from_dict(document_fields(position, event), SCHEMA))
        self._summaries.add(event)
        return Verdict.CREATED

    @property
    def rejections(self) -> Mapping[str, str]:
        """See `Store.rejections`: there is nothing more to say."""
        return {}

    async def flush(self) -> None:
        """Make all that was written durable and searchable; see `Store.flush`."""
        await self._in(self._writing, self._flush)

    def _flush(self) -> None:
        writer = self._opened_writer()
        try:
            with store_failures("the store could not make events durable", WHEN_WRITING):
                day = writer.commit()
                if day is not None:
                    self._days.publish(day)
        except StoreError:
            self._give_up(writer)
            raise
        self._known.flushed()
        self._durable_position = max(self._position(), self._written_position)
        self._summaries.committed(self._durable_position)

    def _give_up(self, writer: DayWriter) -> None:
        """Go back to the last commit; the next write finds a new writer."""
        writer.abandon()
        self._known.forget()
        self._summaries.forget()
        self._written_position = 0
        self._unsettled = writer.day

    def _settle(self) -> None:
        """After a failure, look what the index has: a commit that reported one may have come through."""
        if self._unsettled is not None:
            self._days.publish(self._unsettled)
            self._unsettled, self._durable_position = None, None
            self._summaries.catch_up(self._days.current())

    def _opened_writer(self) -> DayWriter:
        if self._writer is None:
            raise StoreError("this store was opened for reading")
        return self._writer

    async def position(self) -> int:
        """Return the highest position that is durable."""
        return await self._in(self._writing, self._position)

    def _position(self) -> int:
        if self._writer is None or self._durable_position is None:
            self._durable_position = answers.position(self._days.current())
        return self._durable_position

    async def search(self, request: SearchRequest) -> Page:
        """Return a page of matching events in order; see `Store.search`."""
        check_limit(request.limit)
        return await self._ask(lambda days: answers.search(days, request))

    async def count(self, expression: Expression, start: int | None = None, end: int | None = None) -> int:
        """Return how many events match."""
        return await self._ask(lambda days: answers.count(days, expression, start, end))

    async def histogram(self, expression: Expression, *, start: int, end: int, interval: int) -> list[Bucket]:
        """Return counts by severity class for each interval that is not empty; quickest over whole seconds."""
        check_histogram(start, end, interval)
        return await self._ask(lambda days: answers.histogram(days, expression, start, end, interval))

    async def facet(
        self,
        expression: Expression,
        field: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 10,
    ) -> list[FacetValue]:
        """Return a keyword field's most frequent values; see `Store.facet`."""
        check_limit(limit)
        check_facet(field)
        return await self._ask(lambda days: answers.facet(days, expression, field, start=start, end=end, limit=limit))

    async def time_bounds(self) -> tuple[int, int] | None:
        """Return the lowest and highest event time."""
        return await self._ask(answers.time_bounds)

    async def transaction_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        """Return distinct transaction ids that were not generated, in order."""
        check_limit(limit)
        return await self._ask(lambda days: answers.transaction_ids(days, after, limit))

    async def transactions(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions; see `Store.transactions`."""
        check_limit(request.limit)
        check_summary_expression(request.expression)
        if self._writer is not None:
            await self._in(self._writing, self._summaries.write)
        return await self._in(self._reading, self._summaries.page, request)

    async def get(self, event_id: str) -> Event | None:
        """Return the event of this id."""
        return await self._ask(lambda days: answers.get(days, event_id))

    async def files(self) -> list[StoredFile]:
        """Return what there is of each file, by file id."""
        return await self._ask(answers.files)

    async def close(self) -> None:
        """Free files and threads. What was not flushed is gone; the log has it."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await self._in(self._writing, self._writer.close)
            await self._in(self._writing, self._summaries.close)
        self._writing.shutdown(wait=True)
        self._reading.shutdown(wait=True)
        self._days.close()
        if self._writer is None:
            self._summaries.close()

    async def _ask(self, question: Callable[[Sequence[DaySnapshot]], R]) -> R:
        def answer() -> R:
            with store_failures("the store could not answer"):
                return question(self._days.current())

        return await self._in(self._reading, answer)

    async def _in(self, executor: ThreadPoolExecutor, work: Callable[..., R], *arguments: object) -> R:
        return await asyncio.get_running_loop().run_in_executor(executor, work, *arguments)
