"""Forgetting the summaries of transactions whose lines are all gone. Any number of collectors may do it at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from .connection import Connection
from .deleting import delete_documents
from .hint import EVERYWHERE
from .names import Names, begin_of
from .preparation import index_names
from .query import Query, all_of, any_of, none_of

__all__ = ["forget_transactions"]

FORGOTTEN_AT_ONCE = 2_000


class _Days(msgspec.Struct):
    days: tuple[str, ...] = ()


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    number: int = msgspec.field(name="_seq_no")
    term: int = msgspec.field(name="_primary_term")
    source: _Days = msgspec.field(name="_source")


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Found(msgspec.Struct):
    hits: _Hits


async def forget_transactions(connection: Connection, names: Names) -> int:
    """Remove the summaries that name no day that there is; return how many were removed. StoreError if one is kept.

    A summary is written after the lines that it tells of, so days are looked up again once it was read: one that is of
    a day that began meanwhile stays. One that somebody changed since it was read (`if_seq_no`) stays, too.
    """
    forgotten = 0
    while True:
        await connection.ask(
            "POST", f"/{names.transactions}/_refresh", kind=dict[str, Any], parameters={"ignore_unavailable": "true"}
        )
        body = {
            "query": _gone(names, await index_names(connection, names)),
            "size": FORGOTTEN_AT_ONCE,
            "_source": ["days"],
            "seq_no_primary_term": True,
        }
        path = f"/{names.transactions}/_search"
        found = await connection.ask("POST", path, body, kind=_Found, parameters={"ignore_unavailable": "true"})
        there = {names.day_name(index) for index in await index_names(connection, names)}
        gone = [hit for hit in found.hits.hits if there.isdisjoint(hit.source.days)]
        if not gone:
            return forgotten
        targets = (_unchanged(names.transactions, hit) for hit in gone)
        forgotten += await delete_documents(connection, targets, what="the summaries of old transactions")


def _gone(names: Names, indices: Collection[str]) -> Query:
    """Return the query of the summaries that name none of these indices, or so many that only their end tells."""
    there = sorted(map(names.day_name, indices))
    oldest = min((day for index in indices if (day := names.day(index)) is not None), default=None)
    named = all_of({"exists": {"field": "days"}}, none_of({"terms": {"days": [*there, EVERYWHERE]}}))
    if oldest is None:
        return {"exists": {"field": "days"}}
    ended = {"range": {"end": {"lt": begin_of(oldest)}}}
    return any_of([named, all_of({"term": {"days": EVERYWHERE}}, ended)])


def _unchanged(index: str, hit: _Hit) -> dict[str, Any]:
    return {"_index": index, "_id": hit.id, "if_seq_no": hit.number, "if_primary_term": hit.term}
