"""One send as it is under way: a parcel for each partition, which is done, to be sent, or on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clew_agent.wire import Chunk

from .fit import fit
from .split import split_by_partition

__all__ = ["Packed", "Parcel", "Shipment", "pack"]


@dataclass(slots=True)
class Parcel:
    """The records of one partition."""

    partition: int
    records: list[bytes]
    task: asyncio.Task[None] | None = None
    """Ends when all of them are acknowledged."""


@dataclass(slots=True)
class Shipment:
    """What was asked to be sent, and what of it is not acknowledged yet."""

    chunks: Sequence[Chunk]
    parcels: list[Parcel] = field(default_factory=list)

    def is_of(self, chunks: Sequence[Chunk]) -> bool:
        """Return whether these very chunks are asked to be sent again."""
        return len(chunks) == len(self.chunks) and all(a is b for a, b in zip(chunks, self.chunks, strict=True))

    def settle(self) -> list[BaseException]:
        """Forget what is acknowledged, and return why others failed: those are to be sent again."""
        failures: list[BaseException] = []
        left: list[Parcel] = []
        for parcel in self.parcels:
            failure = _failure(parcel.task)
            if failure is not None:
                failures.append(failure)
                parcel.task = None
            if parcel.task is None or not parcel.task.done():
                left.append(parcel)
        self.parcels = left
        return failures

    async def call_back(self) -> None:
        """Wait for nobody any more; what was on its way may or may not arrive, and is to be sent again."""
        tasks = [parcel.task for parcel in self.parcels if parcel.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for parcel in self.parcels:
            parcel.task = None


def _failure(task: asyncio.Task[None] | None) -> BaseException | None:
    if task is None or not task.done():
        return None
    return asyncio.CancelledError() if task.cancelled() else task.exception()


class Packed(NamedTuple):
    """Parcels, and how many lines had to be cut by how many bytes."""

    parcels: list[Parcel]
    cut_lines: int
    cut_bytes: int


def pack(chunks: Sequence[Chunk], *, partitions: int, bytes_max: int, level: int) -> Packed:
    """Return the parcels of these chunks; CPU work only."""
    parcels: list[Parcel] = []
    cut_lines = cut_bytes = 0
    for partition, parts in split_by_partition(chunks, partitions).items():
        fitted = [one for part in parts for one in fit(part, bytes_max=bytes_max, level=level)]
        parcels.append(Parcel(partition, [one.record for one in fitted]))
        cut_lines += sum(1 for one in fitted if one.cut_bytes)
        cut_bytes += sum(one.cut_bytes for one in fitted)
    return Packed(parcels, cut_lines, cut_bytes)
