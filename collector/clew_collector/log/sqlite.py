"""The log on one machine: a SQLite file per UTC day of arrival, WAL, `synchronous = FULL`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from clew_agent.wire import Chunk
from clew_collector.errors import LogError

from .growth import Growth
from .protocol import Appended, FileCoverage, Record
from .reader import LogReader
from .writer import LogWriter

__all__ = ["SqliteLog"]

# A reader in another process cannot be woken: it looks.
POLL_INTERVAL_S = 0.2


class SqliteLog:
    """See `Log`. Made by `open`; use it from one event loop."""

    def __init__(self, *, reader: LogReader, lookups: LogReader, writer: LogWriter | None) -> None:
        self._reader = reader
        # A read of many chunks must not keep an append's question about the lag waiting.
        self._lookups = lookups
        self._writer = writer
        self._growth = Growth()
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        writable: bool = True,
        clock: Callable[[], int] = time.time_ns,
        bytes_max: int | None = None,
    ) -> Self:
        """Open the log in a directory, which is made with the first append.

        `clock` gives ns UTC; all files together take at most `bytes_max` bytes. One process may open it `writable`
        (the data directory's lock sees to that). DataDirectoryError if a file is damaged or missing between others.
        """
        reader = LogReader(directory)
        try:
            reader.check()
            writer = LogWriter(directory, clock=clock, bytes_max=bytes_max) if writable else None
        except BaseException:
            reader.close()
            raise
        return cls(reader=reader, lookups=LogReader(directory), writer=writer)

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        """See `Log`."""
        if self._writer is None or self._closed:
            raise LogError("the log is closed" if self._closed else "the log was opened for reading only")
        before = self._writer.tip.position
        try:
            return await asyncio.wrap_future(self._writer.append(chunks, encoded))
        finally:
            if self._writer.tip.position != before:
                self._growth.announce()

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """See `Log`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            mark = self._growth.mark()
            records = await asyncio.to_thread(self._reader.read, after, bytes_max=bytes_max)
            remaining = deadline - asyncio.get_running_loop().time()
            if records or remaining <= 0 or self._closed:
                return records
            await self._growth.wait(mark, remaining if self._writer else min(remaining, POLL_INTERVAL_S))

    async def stored(self, position: int) -> None:
        """See `Log`: the store keeps its position itself."""

    async def end(self) -> int:
        """See `Log`."""
        if self._writer is not None:
            return self._writer.tip.position
        return (await asyncio.to_thread(self._lookups.tip)).position

    async def lag_bytes(self, after: int) -> int:
        """See `Log`."""
        tip = self._writer.tip if self._writer else await asyncio.to_thread(self._lookups.tip)
        if after >= tip.position:
            return 0
        return tip.total_bytes - await asyncio.to_thread(self._lookups.total_bytes, after)

    async def position_at(self, time_ns: int) -> int:
        """See `Log`."""
        return await asyncio.to_thread(self._lookups.position_at, time_ns)

    async def coverage(self) -> list[FileCoverage]:
        """See `Log`."""
        return await asyncio.to_thread(self._lookups.coverage)

    async def close(self) -> None:
        """See `Log`."""
        if self._closed:
            return
        self._closed = True
        self._growth.announce()
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._reader.close)
        await asyncio.to_thread(self._lookups.close)
