"""Where lines without a usable time of their own belong: with the first such line of their block of the file.

Such a line read again after a crash has another `observed_timestamp`, perhaps of another day, and must meet itself all
the same. So the day is not the line's: it is that on which the first line of its block (a mebibyte of the file) was
met, which is written down once, by `create`, before any line of the block is. Whoever comes later, in whatever process,
reads what stands there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping

import msgspec

from clew_collector.errors import StoreError

from .connection import Connection
from .names import Names
from .request import BulkItem
from .sender import Sender
from .verdict import Fate

__all__ = ["Blocks"]

KNOWN_MAX = 100_000
"""Blocks remembered; others are asked for again."""


class _Day(msgspec.Struct):
    day: str


class _Found(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    source: _Day | None = msgspec.field(default=None, name="_source")


class _Many(msgspec.Struct):
    docs: list[_Found]


class Blocks:
    """The days of blocks, remembered here, written down in Elasticsearch."""

    def __init__(self, connection: Connection, sender: Sender, names: Names) -> None:
        self._connection = connection
        self._sender = sender
        self._names = names
        self._known: OrderedDict[str, str] = OrderedDict()

    async def days(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return each block's day; one that has none yet gets the one that is given for it."""
        days = {block: self._known[block] for block in wanted if block in self._known}
        for block in days:
            self._known.move_to_end(block)
        if unknown := {block: day for block, day in wanted.items() if block not in days}:
            settled = await self._settle(unknown)
            self._known |= settled
            days |= settled
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return days

    def keep(self, days: Collection[str]) -> None:
        """Ask again for the blocks of all other days: these were removed, and and what is written down of them."""
        self._known = OrderedDict((block, day) for block, day in self._known.items() if day in days)

    async def _settle(self, proposed: Mapping[str, str]) -> dict[str, str]:
        index = self._names.blocks
        items = [BulkItem.of(index, block, msgspec.json.encode(_Day(day))) for block, day in proposed.items()]
        fates = await self._sender.send(items)
        if rejected := [judged for judged in fates if judged.fate is Fate.REJECTED]:
            raise StoreError(
                f"Elasticsearch refuses what Clew keeps in {index}: {rejected[0].reason}",
                hint="somebody else may have made this index; `clew doctor` looks",
            )
        taken = [item.event_id for item, judged in zip(items, fates, strict=True) if judged.fate is Fate.DUPLICATE]
        days = dict(proposed)
        if taken:
            # A get by id is served from the translog too: nothing has to be refreshed for it.
            found = await self._connection.ask("POST", f"/{index}/_mget", {"ids": taken}, kind=_Many)
            days |= {one.id: one.source.day for one in found.docs if one.source is not None}
        return days
