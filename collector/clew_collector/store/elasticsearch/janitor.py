"""Removing what is over the retention. Every collector may do it at once: what is gone already is gone.

A removal is decided from what the cluster says now, by a rule that all follow, and names whole indices; the second one
to remove an index finds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import structlog

from clew_agent.errors import ClewError
from clew_collector.errors import StoreError

from .connection import Connection
from .deleting import delete_documents
from .forgetting import forget_transactions
from .names import Names, day_of
from .retention import Held, Removal, expired
from .settings import RetentionSettings

__all__ = ["Janitor"]

BLOCKS_MAX = 5_000
"""Blocks forgotten with one request."""


class _Store(msgspec.Struct):
    size_in_bytes: int


class _Total(msgspec.Struct):
    store: _Store


class _Stats(msgspec.Struct):
    total: _Total


class _AllStats(msgspec.Struct):
    indices: dict[str, _Stats] = {}


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id")


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Sorted(msgspec.Struct):
    sort: list[int]


class _Youngest(msgspec.Struct):
    hits: list[_Sorted]


class _Found(msgspec.Struct):
    hits: _Hits


class _FoundYoungest(msgspec.Struct):
    hits: _Youngest


class Janitor:
    """Looks after the retention, once or again and again."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        settings: RetentionSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep: Callable[[set[str]], None] = lambda _days: None,
    ) -> None:
        """`keep` is told, with each look, of which days there are undated lines, whoever removed the others."""
        self._connection = connection
        self._names = names
        self._settings = settings
        self._now = now
        self._keep = keep
        self._logger = structlog.get_logger()
        self._failure = ""

    async def run(self) -> None:
        """Look after it until cancelled. What fails is said once and tried again."""
        while True:
            try:
                await self.sweep()
                self._failure = ""
            except ClewError as error:
                if error.message != self._failure:
                    self._logger.warning("Old events could not be removed.", error=error.message, hint=error.hint)
                self._failure = error.message
            await asyncio.sleep(self._settings.check_interval_s)

    async def sweep(self) -> list[Removal]:
        """Remove what is over; return what that was."""
        if self._settings.age_days_max is None and self._settings.size_bytes_max is None:
            return []
        held = await self._held()
        removals = expired(
            held,
            today=self._now().date(),
            age_days_max=self._settings.age_days_max,
            size_bytes_max=self._settings.size_bytes_max,
        )
        for removal in removals:
            reply = await self._connection.reply("DELETE", f"/{removal.name}")
            if reply.status not in {200, 404}:
                raise StoreError(
                    f"Elasticsearch did not remove {removal.name}: status {reply.status}",
                    hint="the user or API key of `store` needs the right to delete indices",
                )
            if reply.status == 200:
                self._logger.info("A day was removed.", index=removal.name, reason=removal.reason)
            if self._names.is_undated(removal.name):
                await self._forget_blocks(removal.name)
        left = {one.name for one in held} - {removal.name for removal in removals}
        self._keep({self._names.undated_day(name) for name in left if self._names.is_undated(name)})
        # Also with nothing to remove: whoever removed the last day may have been killed before this.
        await forget_transactions(self._connection, self._names)
        return removals

    async def close(self) -> None:
        """Close its connection, where it has one of its own."""
        await self._connection.close()

    async def _held(self) -> list[Held]:
        stats = await self._connection.ask("GET", f"/{self._names.all_events}/_stats/store", kind=_AllStats)
        held = []
        for name, one in stats.indices.items():
            named = self._names.day(name)
            day = await self._youngest(name) or named if self._names.is_undated(name) else named
            if day is not None:
                held.append(Held(name, day, one.total.store.size_in_bytes))
        return held

    async def _youngest(self, index: str) -> date | None:
        """Return the day on which the youngest line of an index was read; its own time, if any, is no measure."""
        body = {"size": 1, "_source": False, "sort": [{"observed_timestamp": "desc"}]}
        found = await self._connection.ask(
            "POST", f"/{index}/_search", body, kind=_FoundYoungest, parameters={"ignore_unavailable": "true"}
        )
        if not found.hits.hits:
            return None
        return datetime.strptime(day_of(found.hits.hits[0].sort[0]), "%Y.%m.%d").replace(tzinfo=UTC).date()

    async def _forget_blocks(self, index: str) -> None:
        """Forget which blocks were met on the day that is gone."""
        day = self._names.day(index)
        assert day is not None
        body = {"query": {"term": {"day": day.strftime("%Y.%m.%d")}}, "size": BLOCKS_MAX, "_source": False}
        path = f"/{self._names.blocks}"
        if_there = {"ignore_unavailable": "true"}
        while True:
            # What was written or deleted a moment ago is not seen by a search before.
            await self._connection.ask("POST", f"{path}/_refresh", kind=dict[str, Any], parameters=if_there)
            found = await self._connection.ask("POST", f"{path}/_search", body, kind=_Found, parameters=if_there)
            if not found.hits.hits:
                return
            targets = ({"_index": self._names.blocks, "_id": hit.id} for hit in found.hits.hits)
            await delete_documents(self._connection, targets, what="what is kept of old blocks")
