"""Making searchable what was written, and seeing that it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import msgspec

from clew_collector.errors import StoreError

from .connection import Connection
from .sender import retry_wait_s
from .settings import ElasticsearchSettings

__all__ = ["refresh"]

NAMES_MAX = 32
"""More indices than this are refreshed by their pattern: a path has a limit."""
_BY_INDEX = {"level": "indices", "filter_path": "indices.*.status,indices.*.active_shards"}


class _Shards(msgspec.Struct):
    total: int
    successful: int


class _Refreshed(msgspec.Struct):
    shards: _Shards = msgspec.field(name="_shards")


class _Index(msgspec.Struct):
    status: str
    active_shards: int


class _Health(msgspec.Struct):
    indices: dict[str, _Index] = {}


async def refresh(
    connection: Connection,
    indices: Collection[str],
    settings: ElasticsearchSettings,
    *,
    pattern: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Return once what was written to these indices before is found; StoreError if that is not so after all attempts.

    Elasticsearch answers 200, with no failure, also when a shard was not available and so was not refreshed
    (`TransportBroadcastReplicationAction`, `isShardNotAvailableException`): only the count of successes tells. Copies
    that are on no node do not count, and an index that was removed meanwhile has nothing to find. `pattern` names all
    that the indices may be of, and them alone if they are many.
    """
    path = ",".join(sorted(indices)) if len(indices) <= NAMES_MAX else pattern
    for attempt in range(1, settings.attempts_max + 1):
        found = await connection.ask(
            "POST", f"/{path}/_refresh", kind=_Refreshed, parameters={"ignore_unavailable": "true"}
        )
        if found.shards.successful >= found.shards.total:
            return
        health = await connection.ask("GET", f"/_cluster/health/{pattern}", kind=_Health, parameters=_BY_INDEX)
        there = [one for name, one in health.indices.items() if name in indices or path == pattern]
        red = sum(one.status == "red" for one in there)
        if not red and found.shards.successful >= sum(one.active_shards for one in there):
            return
        if attempt < settings.attempts_max:
            await sleep(
                retry_wait_s(attempt, wait_s_min=settings.retry_wait_s_min, wait_s_max=settings.retry_wait_s_max)
            )
    raise StoreError(
        f"Elasticsearch refreshed {found.shards.successful} of {found.shards.total} shards of {path}; "
        f"{red} of the indices are red",
        hint="what was written is kept and made searchable later; `clew doctor` says what is wrong with the cluster",
    )
