"""Transactions' summaries, a document each: read, merged, written back unless somebody else was quicker.

Summaries are lattice values (`store/summary.py`): merging one twice changes nothing, so a request without a whole
answer is repeated, and one that met another collector's (`if_seq_no`) is merged with what that one wrote. They are
there before the position is kept; events that come again are added again, which does no harm. No scripts: not every
cluster allows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.gathering import Gathered
from clew_collector.store.matching import has_generated_id, keyword
from clew_collector.store.protocol import TransactionCursor, TransactionPage, TransactionRequest
from clew_collector.store.summary import Root, Summary, merge

from .connection import Connection, refused
from .hint import EVERYWHERE, union_of_days
from .names import Names
from .query import all_of
from .refresh import refresh
from .sender import retry_wait_s
from .settings import ElasticsearchSettings
from .summary_query import begun, build

__all__ = ["Transactions"]

READ_AT_ONCE = 1_000
_ID_CHARACTERS_MAX = 64
_SEARCH = {
    "ignore_unavailable": "true", "allow_no_indices": "true", "allow_partial_search_results": "false",
}  # fmt: skip


class _Document(msgspec.Struct, omit_defaults=True):
    transaction_id: str
    start: int
    end: int
    duration: int
    severity_number: int
    services: tuple[str, ...]
    root_rank: int
    root_time: int
    root_event: str
    root: str = ""
    name: str = ""
    days: tuple[str, ...] = ()
    """The indices that hold its lines, by the names of their days."""


class _Told(NamedTuple):
    """What is to be said of a transaction."""

    summary: Summary
    days: tuple[str, ...]


class _Known(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    found: bool = False
    number: int = msgspec.field(default=0, name="_seq_no")
    term: int = msgspec.field(default=0, name="_primary_term")
    source: _Document | None = msgspec.field(default=None, name="_source")


class _KnownDocuments(msgspec.Struct):
    docs: list[_Known] = []


class _Held(msgspec.Struct):
    days: tuple[str, ...] = ()


class _HeldBy(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    source: _Held | None = msgspec.field(default=None, name="_source")


class _HeldByAll(msgspec.Struct):
    docs: list[_HeldBy] = []


class _Written(msgspec.Struct):
    status: int
    error: Any = None


class _Bulk(msgspec.Struct):
    items: list[dict[str, _Written]] = []


class _Hit(msgspec.Struct):
    source: _Document = msgspec.field(name="_source")


class _Total(msgspec.Struct):
    value: int


class _Hits(msgspec.Struct):
    hits: list[_Hit]
    total: _Total


class _Found(msgspec.Struct):
    hits: _Hits


class Transactions:
    """Gathers what events tell, writes it with each flush, answers."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        settings: ElasticsearchSettings,
        *,
        make_index: Callable[[str], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._index = names.transactions
        self._settings = settings
        self._make_index = make_index
        self._sleep = sleep
        self._names = names
        self._gathered: dict[str, Gathered] = {}
        self._days: dict[str, set[str]] = {}

    def add(self, event: Event, index: str) -> None:
        """Take an admitted event that is in the cluster, in this index, whether it was there before or not."""
        if has_generated_id(event) or not event.transaction_id:
            return
        known = self._gathered.get(event.transaction_id)
        if known is None:
            self._gathered[event.transaction_id] = Gathered(event)
            self._days[event.transaction_id] = {index}
        else:
            known.add(event)
            self._days[event.transaction_id].add(index)

    async def flush(self) -> None:
        """Make what was added durable and searchable. StoreError if that fails; then it is still to be flushed."""
        if not self._gathered:
            return
        told = [
            _Told(gathered.summary(keyword(name)), union_of_days(map(self._names.day_name, self._days[name])))
            for name, gathered in self._gathered.items()
        ]
        for first in range(0, len(told), READ_AT_ONCE):
            await self._write(told[first : first + READ_AT_ONCE])
        await refresh(self._connection, {self._index}, self._settings, pattern=self._index)
        self._gathered, self._days = {}, {}

    async def _write(self, told: Sequence[_Told]) -> None:
        reason = ""
        for attempt in range(1, self._settings.attempts_max + 1):
            known = await self._known(told)
            merged = [(one, known.get(_id_of(one.summary.transaction_id))) for one in told]
            changed = [(one, old) for one, old in merged if old is None or _merged(one, old) != _told(old)]
            if not changed:
                return
            told, reason = await self._send(changed)
            if not told:
                return
            await self._sleep(
                retry_wait_s(
                    attempt, wait_s_min=self._settings.retry_wait_s_min, wait_s_max=self._settings.retry_wait_s_max
                )
            )
        raise StoreError(
            f"Elasticsearch did not take {len(told)} summaries in {self._settings.attempts_max} attempts: {reason}",
            hint="they are kept and sent again; `clew doctor` says what is wrong with the cluster",
        )

    async def _known(self, told: Sequence[_Told]) -> dict[str, _Known]:
        ids = [_id_of(one.summary.transaction_id) for one in told]
        found = await self._connection.ask(
            "POST", f"/{self._index}/_mget", {"ids": ids}, kind=_KnownDocuments, allow=(404,)
        )
        return {document.id: document for document in found.docs if document.found}

    async def _send(self, changed: Sequence[tuple[_Told, _Known | None]]) -> tuple[list[_Told], str]:
        """Write them; return which are to be merged again, and why."""
        reply = await self._connection.bulk(b"".join(self._lines(one, old) for one, old in changed))
        if reply is None:
            return [one for one, _ in changed], "there was no whole answer"
        if reply.status in {429, 502, 503, 504}:
            return [one for one, _ in changed], f"status {reply.status}"
        if reply.status >= 400:
            raise refused(reply, "a bulk request of summaries")
        again: list[_Told] = []
        reason = ""
        written = msgspec.json.decode(reply.body, type=_Bulk).items
        for (one, _), item in zip(changed, written, strict=True):
            (answer,) = item.values()
            if answer.status < 300:
                continue
            if answer.status not in {404, 409, 429, 503}:
                raise StoreError(f"Elasticsearch refused a summary: {answer.status}: {answer.error}")
            again.append(one)
            reason = f"status {answer.status}"
            if answer.status == 404:
                await self._make_index(self._index)
        return again, reason

    def _lines(self, one: _Told, old: _Known | None) -> bytes:
        target: dict[str, Any] = {"_index": self._index, "_id": _id_of(one.summary.transaction_id)}
        if old is not None:
            target |= {"if_seq_no": old.number, "if_primary_term": old.term}
        action = msgspec.json.encode({"create" if old is None else "index": target})
        return b"%s\n%s\n" % (action, msgspec.json.encode(_document(_merged(one, old))))

    async def days_of(self, transaction_ids: Collection[str]) -> list[str] | None:
        """Return the indices that can hold lines of these transactions; None when any may.

        Of a transaction without a summary nothing is known: its id may have been made from a line's place.
        """
        ids = sorted(map(_id_of, transaction_ids))
        found = await self._connection.ask(
            "POST",
            f"/{self._index}/_mget",
            {"ids": ids},
            kind=_HeldByAll,
            allow=(404,),
            parameters={"_source_includes": "days"},
        )
        days = [document.source.days if document.source is not None else () for document in found.docs]
        united = union_of_days(*days)
        if len(days) < len(ids) or not all(days) or united == (EVERYWHERE,):
            return None
        return list(map(self._names.of_day_name, united))

    async def page(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions; see `Store.transactions`."""
        body: dict[str, Any] = {
            "query": all_of(build(request.expression), begun(request.start, request.end)),
            "size": request.limit + 1 if request.limit else 0,
            "sort": [{"start": request.order}, {"transaction_id": request.order}],
            "track_total_hits": True,
        }
        if request.after is not None and request.limit:
            body["search_after"] = list(request.after)
        found = await self._connection.ask("POST", f"/{self._index}/_search", body, kind=_Found, parameters=_SEARCH)
        summaries = [_summary_of(hit.source) for hit in found.hits.hits]
        page = tuple(summaries[: request.limit])
        more = page and len(summaries) > len(page)
        cursor = TransactionCursor(page[-1].start, page[-1].transaction_id) if more else None
        return TransactionPage(page, found.hits.total.value, cursor)


def _id_of(transaction_id: str) -> str:
    """Return the document's id: the transaction's, or its hash where that is no id for Elasticsearch (512 bytes)."""
    if transaction_id.isascii() and transaction_id.isalnum() and len(transaction_id) <= _ID_CHARACTERS_MAX:
        return transaction_id
    return "hash-" + blake2b(transaction_id.encode(), digest_size=16).hexdigest()


def _told(known: _Known) -> _Told | None:
    return None if known.source is None else _Told(_summary_of(known.source), known.source.days)


def _merged(one: _Told, known: _Known | None) -> _Told:
    old = None if known is None else _told(known)
    return one if old is None else _Told(merge(old.summary, one.summary), union_of_days(old.days, one.days))


def _document(told: _Told) -> _Document:
    summary, root = told.summary, told.summary.root
    return _Document(
        summary.transaction_id, summary.start, summary.end, min(summary.duration, (1 << 63) - 1),
        summary.severity_number, tuple(map(keyword, summary.services)), root.rank, root.time, root.event_id,
        keyword(root.service), root.name, told.days,
    )  # fmt: skip


def _summary_of(document: _Document) -> Summary:
    root = Root(document.root_rank, document.root_time, document.root_event, document.root, document.name)
    return Summary(
        document.transaction_id, document.start, document.end, document.severity_number, document.services, root
    )
