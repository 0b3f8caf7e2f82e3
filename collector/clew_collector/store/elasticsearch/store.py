"""The store over Elasticsearch: events go to the index of their day. What is promised stands at `Store`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from clew_agent.metrics import Metrics
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

from .answers import Answers
from .blocks import Blocks
from .connection import Connection, connect, refused
from .encoding import encode
from .health import told_red
from .janitor import Janitor
from .names import Names, block_of, day_of
from .preparation import index_names, prepare
from .refresh import refresh
from .request import BulkItem, parts
from .sender import Sender
from .settings import ElasticsearchSettings
from .transactions import Transactions
from .verdict import Decision, Fate, Judged

__all__ = ["ElasticsearchStore"]

NO_PLACE = "it has no place in a file: its id, offset or length cannot be"


class _Position(msgspec.Struct):
    position: int


class _Stored(msgspec.Struct):
    source: _Position | None = msgspec.field(default=None, name="_source")


class ElasticsearchStore:
    """Implements `Store`. What was written is durable at once, and searchable after the flush.

    `account` is the identity of the log that is read, under which the position is kept; several logs, each with its
    collector, write to one Elasticsearch. Without one, who reads keeps the account itself (Kafka's offsets).
    """

    def __init__(
        self,
        connection: Connection,
        settings: ElasticsearchSettings,
        *,
        account: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._connection = connection
        self.settings = settings
        self._names = Names(settings.index_prefix)
        self._account = account
        self._transactions = Transactions(connection, self._names, settings, make_index=self._make_index)
        self._answers = Answers(connection, self._names, days_of=self._transactions.days_of)
        self._sender = Sender(connection, settings, make_index=self._make_index, metrics=metrics)
        self._blocks = Blocks(connection, self._sender, self._names)
        self._prepared = False
        self._indices: set[str] = set()
        self._touched: set[str] = set()
        self._position: int | None = None if account is not None else 0
        self._written_position = 0
        self._rejections: dict[str, str] = {}

    @classmethod
    def open(
        cls, settings: ElasticsearchSettings, *, account: str | None = None, metrics: Metrics | None = None
    ) -> Self:
        """Return the store. Nothing is asked yet: a collector starts also while Elasticsearch is away."""
        return cls(connect(settings), settings, account=account, metrics=metrics)

    @property
    def janitor(self) -> Janitor:
        """Who removes what is over the retention of the settings."""
        return Janitor(self._connection, self._names, self.settings.retention, keep=self._blocks.keep)

    @property
    def requests(self) -> Counter[Decision]:
        """How many bulk requests were sent, by what was decided about their answers."""
        return self._sender.requests

    async def write(self, items: Sequence[Item]) -> list[Verdict]:
        """Take events; see `Store.write`."""
        self._rejections = {}
        if not items:
            return []
        durable = await self.position()
        await self.prepare()
        events = [self._taken(item, durable) for item in items]
        taken = [event for event in events if isinstance(event, Event)]
        indices = await self._indices_of(taken) if taken else []
        fates = await self._send(taken, indices)
        for event, index, judged in zip(taken, indices, fates, strict=True):
            # Also one that was there: whoever wrote it may have been killed before its summary was.
            if judged.fate is not Fate.REJECTED:
                self._transactions.add(event, index)
        of_taken = map(self._judge, taken, fates)
        verdicts = [event if isinstance(event, Verdict) else next(of_taken) for event in events]
        self._written_position = max(self._written_position, *(item.position for item in items))
        return verdicts

    def _taken(self, item: Item, durable: int) -> Event | Verdict:
        event = admit(item.event)
        if event is None:
            self._rejections[item.event.event_id] = NO_PLACE
            return Verdict.REJECTED
        return Verdict.DUPLICATE if item.position <= durable else event

    def _judge(self, event: Event, judged: Judged) -> Verdict:
        if judged.fate is Fate.REJECTED:
            self._rejections[event.event_id] = judged.reason
            return Verdict.REJECTED
        return Verdict.CREATED if judged.fate is Fate.CREATED else Verdict.DUPLICATE

    async def _send(self, events: list[Event], indices: list[str]) -> list[Judged]:
        self._touched.update(indices)
        sending: list[asyncio.Task[list[Judged]]] = []
        try:
            # While one part is on its way, the next is encoded.
            for part in parts(len(events), at_once=self.settings.bulks_max):
                items = await asyncio.to_thread(_bulk_items, events[part], indices[part])
                sending.append(asyncio.create_task(self._sender.send(items)))
            return [judged for task in sending for judged in await task]
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _indices_of(self, events: list[Event]) -> list[str]:
        """Return the index of each event: the same for the same line, however often and by whomever it is read."""
        found = [self._names.said_by(event) for event in events]
        new = {index for index in found if index is not None} - self._indices
        if new:
            self._indices = await index_names(self._connection, self._names)
            room = self.settings.days_max - sum(not self._names.is_undated(index) for index in self._indices)
            allowed = set(sorted(new - self._indices)[: max(room, 0)])
            self._indices |= allowed
        blocks: dict[str, str] = {}
        for number, event in enumerate(events):
            if found[number] is None or found[number] not in self._indices:
                found[number] = None
                blocks.setdefault(block_of(event.event_id), day_of(event.observed_timestamp))
        if blocks:
            days = await self._blocks.days(blocks)
            for number, event in enumerate(events):
                found[number] = found[number] or self._names.undated(days[block_of(event.event_id)])
        return [index for index in found if index is not None]

    @property
    def rejections(self) -> dict[str, str]:
        """Why the events that the last `write` rejected were, by event id."""
        return self._rejections

    async def flush(self) -> None:
        """Make all that was written searchable, and remember how far the log was read."""
        # Both are done even if one fails, and each begins where it was when it is told again.
        outcomes = await asyncio.gather(self._refresh(), self._transactions.flush(), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        if self._written_position > await self.position():
            if self._account is not None:
                await self._connection.ask(
                    "PUT",
                    f"/{self._names.positions}/_doc/{self._account}",
                    _Position(self._written_position),
                    kind=dict[str, Any],
                )
            self._position = self._written_position

    async def _refresh(self) -> None:
        if self._touched:
            await refresh(self._connection, self._touched, self.settings, pattern=self._names.all_events)
            self._touched.clear()

    async def position(self) -> int:
        """Return the highest log position that was flushed."""
        if self._position is None:
            path = f"/{self._names.positions}/_doc/{self._account}"
            found = await self._connection.ask("GET", path, kind=_Stored, allow=(404,))
            self._position = found.source.position if found.source is not None else 0
        return self._position

    async def search(self, request: SearchRequest) -> Page:
        """Return a page of events."""
        check_limit(request.limit)
        return await self._answers.search(request)

    async def count(self, expression: Expression, start: int | None = None, end: int | None = None) -> int:
        """Return how many events match."""
        return await self._answers.count(expression, start, end)

    async def histogram(self, expression: Expression, *, start: int, end: int, interval: int) -> list[Bucket]:
        """Return counts by severity class for each interval that is not empty."""
        check_histogram(start, end, interval)
        return await self._answers.histogram(expression, start, end, interval)

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
        return await self._answers.facet(expression, field, start=start, end=end, limit=limit)

    async def time_bounds(self) -> tuple[int, int] | None:
        """Return the lowest and highest event time."""
        return await self._answers.time_bounds()

    async def transaction_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        """Return distinct transaction ids that were not generated, in order."""
        check_limit(limit)
        return await self._answers.transaction_ids(after, limit)

    async def transactions(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions; see `Store.transactions`."""
        check_limit(request.limit)
        check_summary_expression(request.expression)
        return await self._transactions.page(request)

    async def get(self, event_id: str) -> Event | None:
        """Return the event of this id."""
        return await self._answers.get(event_id)

    async def files(self) -> list[StoredFile]:
        """Return what there is of each file, by file id."""
        return await self._answers.files()

    async def problem(self) -> str | None:
        """Return what is wrong with our indices, in a sentence; None when nothing is known to be."""
        return await told_red(self._connection, self._names)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def prepare(self) -> None:
        """See that the cluster and our names are for us, and put templates in their place: before the first event.

        StoreError, with nothing changed, when they are not.
        """
        if not self._prepared:
            await prepare(self._connection, self._names, self.settings)
            self._prepared = True

    async def _make_index(self, index: str) -> None:
        """Make an index where the cluster does not make them by itself."""
        reply = await self._connection.reply("PUT", f"/{index}")
        if reply.status >= 400 and b"resource_already_exists_exception" not in reply.body:
            raise refused(reply, f"to make the index {index}")


def _bulk_items(events: list[Event], indices: list[str]) -> list[BulkItem]:
    return [BulkItem.of(index, event.event_id, encode(event)) for event, index in zip(events, indices, strict=True)]
