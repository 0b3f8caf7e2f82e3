"""The log in memory: for tests, and for trying things without a disk."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence

from clew_agent.wire import Chunk, SourceKind, encode_chunk
from clew_collector.errors import LogError, LogFull

from .coverage import Interval, merge, runs, take
from .growth import Growth
from .protocol import Appended, FileCoverage, Record, decoded_bytes

__all__ = ["MemoryLog"]


class MemoryLog:
    """Keeps records in a list; `bytes_max` encoded bytes fit, `clock` gives ns UTC."""

    def __init__(self, *, clock: Callable[[], int] = time.time_ns, bytes_max: int | None = None) -> None:
        self._clock = clock
        self._bytes_max = bytes_max
        self._records: list[Record] = []
        self._totals = [0]
        self._coverage: dict[bytes, list[Interval]] = {}
        self._requests: set[bytes] = set()
        self._growth = Growth()
        self._closed = False

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        """See `Log`."""
        if self._closed:
            raise LogError("the log is closed")
        coverage: dict[bytes, list[Interval]] = {}
        records: list[Record] = []
        position, total = len(self._records), self._totals[-1]
        now = max(self._clock(), self._records[-1].appended_ns if self._records else 0)
        totals = []
        accepted = duplicate = 0
        for i, chunk in enumerate(chunks):
            file = chunk.source.file_id
            covered = coverage.get(file, self._coverage.get(file, []))
            taken = take(chunk, covered)
            accepted += taken.accepted
            duplicate += taken.duplicate
            if taken.chunk is None:
                continue
            size = len(encoded[i] if encoded and taken.chunk is chunk else encode_chunk(taken.chunk))
            position, total = position + 1, total + size
            records.append(Record(position, now, taken.chunk, size))
            totals.append(total)
            coverage[file] = merge([*covered, *runs(taken.chunk)])
            if chunk.source.kind is not SourceKind.FILE:
                self._requests.add(file)
        if self._bytes_max is not None and records and total > self._bytes_max:
            raise LogFull(f"the log may hold {self._bytes_max} bytes", hint="raise `log_bytes_max`")
        self._records += records
        self._totals += totals
        self._coverage |= coverage
        if records:
            self._growth.announce()
        return Appended(accepted, duplicate)

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """See `Log`."""
        mark = self._growth.mark()
        if len(self._records) <= after:
            await self._growth.wait(mark, wait_s)
        records: list[Record] = []
        size = 0
        for record in self._records[after:]:
            size += decoded_bytes(record.chunk)
            if records and size > bytes_max:
                break
            records.append(record)
        return records

    async def stored(self, position: int) -> None:
        """See `Log`: the store keeps its position itself."""

    async def end(self) -> int:
        """See `Log`."""
        return len(self._records)

    async def lag_bytes(self, after: int) -> int:
        """See `Log`."""
        return self._totals[-1] - self._totals[min(after, len(self._records))]

    async def position_at(self, time_ns: int) -> int:
        """See `Log`."""
        return bisect_left(self._records, time_ns, key=lambda record: record.appended_ns)

    async def coverage(self) -> list[FileCoverage]:
        """See `Log`."""
        return [
            FileCoverage(file.hex(), start, end)
            for file, intervals in sorted(self._coverage.items())
            if file not in self._requests
            for start, end in intervals
        ]

    async def close(self) -> None:
        """See `Log`."""
        self._closed = True
        self._growth.announce()
