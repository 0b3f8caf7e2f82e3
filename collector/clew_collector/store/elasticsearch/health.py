"""Whether all of our shards are somewhere: what an operator is to be told before a write or a search meets it."""

from __future__ import annotations

import asyncio

import msgspec

from clew_collector.errors import StoreError

from .connection import Connection
from .names import Names

__all__ = ["ASK_S_MAX", "told_red"]

ASK_S_MAX = 2.0
"""Who asks whether a collector is ready waits no longer."""


class _Index(msgspec.Struct):
    status: str
    unassigned_shards: int = 0


class _Health(msgspec.Struct):
    indices: dict[str, _Index] = {}


async def told_red(connection: Connection, names: Names, *, ask_s_max: float = ASK_S_MAX) -> str | None:
    """Return which of our indices are red, in a sentence; None when none is, or no answer came in time.

    A cluster that does not answer is told by who meets it: the consumer, or `clew doctor`. Others' indices count not.
    """
    path = f"/_cluster/health/{names.all_events},{names.all_state}"
    parameters = {"level": "indices", "filter_path": "indices.*.status,indices.*.unassigned_shards"}
    try:
        async with asyncio.timeout(ask_s_max):
            health = await connection.ask("GET", path, kind=_Health, parameters=parameters)
    except (StoreError, TimeoutError):
        return None
    red = {name: index.unassigned_shards for name, index in sorted(health.indices.items()) if index.status == "red"}
    if not red:
        return None
    return (
        f"Elasticsearch is red: {sum(red.values())} shards of {', '.join(list(red)[:3])}"
        f"{f' and {len(red) - 3} more' if len(red) > 3 else ''} are on no node, so events there cannot be stored or "
        "found; `GET _cluster/allocation/explain` says why."
    )
