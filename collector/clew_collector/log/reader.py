"""Reading the SQLite log: over all its days, without a lock, also while another process writes it."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from clew_agent.errors import ChunkError
from clew_agent.wire import decode_chunk
from clew_collector.errors import DataDirectoryError, LogError

from .day import Tip, base_of, connect, day_files, explain, read_coverage, tip_of
from .protocol import FileCoverage, Record, decoded_bytes

__all__ = ["LogReader"]

OPEN_DAYS_MAX = 4


class LogReader:
    """Blocking reads; one thread at a time (it locks). Sees what was committed when a call began."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bases: dict[str, Tip] = {}
        self._open: dict[str, sqlite3.Connection] = {}
        self._lock = Lock()
        self._closed = False

    def check(self) -> None:
        """Open every day once; DataDirectoryError for a damaged one, or one that is missing between others."""
        with self._lock:
            end: Tip | None = None
            for path in day_files(self._directory):
                try:
                    base, tip = self._base(path), tip_of(self._connection(path))
                except sqlite3.Error as error:
                    raise DataDirectoryError(
                        f"{path} cannot be read: {error}", hint="restore it from a backup; nothing was changed"
                    ) from error
                if end is not None and base.position != end.position:
                    raise DataDirectoryError(
                        f"the log goes from position {end.position} to {base.position} before {path.name}: "
                        "a file between is missing, or one was put back from an older copy",
                        hint="put the missing file back; only the oldest days may be removed",
                    )
                end = tip

    def read(self, after: int, *, bytes_max: int) -> list[Record]:
        """Return records as `Log.read`, without waiting."""
        records: list[Record] = []
        size = 0
        with self._reading():
            for path in self._days_from(after):
                for position, appended_ns, data in self._connection(path).execute(
                    "SELECT position, appended_ns, data FROM chunks WHERE position > ? ORDER BY position", (after,)
                ):
                    try:
                        chunk = decode_chunk(data)
                    except ChunkError as error:
                        if records:
                            return records
                        raise LogError(
                            f"the record at position {position} in {path} is damaged: {error.message}",
                            hint=f"restore {path.name} from a backup; all that lies behind it waits",
                        ) from error
                    size += decoded_bytes(chunk)
                    if records and size > bytes_max:
                        return records
                    records.append(Record(position, appended_ns, chunk, len(data)))
                    if size >= bytes_max:
                        return records
        return records

    def tip(self) -> Tip:
        """Return where the log ends."""
        with self._reading():
            return self._tip()

    def total_bytes(self, position: int) -> int:
        """Return the encoded bytes up to and with the position."""
        with self._reading():
            return self._at(position).total_bytes

    def position_at(self, time_ns: int) -> int:
        """Return the highest position appended before the time, 0 if none."""
        with self._reading():
            days = day_files(self._directory)
            first = self._base(days[0]).position + 1 if days else 1
            positions = range(first, self._tip().position + 1)
            return first + bisect_left(positions, time_ns, key=lambda p: self._at(p).appended_ns) - 1

    def coverage(self) -> list[FileCoverage]:
        """Return which bytes of which files the log has."""
        with self._reading():
            days = day_files(self._directory)
            rows = read_coverage(self._connection(days[-1])) if days else []
            return [FileCoverage(file.hex(), start, end) for file, start, end in rows]

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            self._closed = True
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise LogError("the log is closed")
            try:
                yield
            except sqlite3.Error as error:
                raise explain(error, self._directory) from error

    def _tip(self) -> Tip:
        days = day_files(self._directory)
        return tip_of(self._connection(days[-1])) if days else Tip()

    def _at(self, position: int) -> Tip:
        """Return the record's place in the log; the nearest end of the log if the position lies outside."""
        days = self._days_from(position - 1)
        if not days:
            return Tip()
        if position <= self._base(days[0]).position:
            return self._base(days[0])
        sql = "SELECT position, total_bytes, appended_ns FROM chunks WHERE position = ?"
        found = self._connection(days[0]).execute(sql, (position,)).fetchone()
        return Tip(*found) if found else self._tip()

    def _days_from(self, after: int) -> list[Path]:
        """Return the day that holds the position behind `after`, and those that follow."""
        days = day_files(self._directory)
        while len(days) > 1 and self._base(days[1]).position <= after:
            days.pop(0)
        return days

    def _base(self, path: Path) -> Tip:
        if path.name not in self._bases:
            self._bases[path.name] = base_of(self._connection(path))
        return self._bases[path.name]

    def _connection(self, path: Path) -> sqlite3.Connection:
        connection = self._open.pop(path.name, None) or connect(path, writable=False)
        self._open[path.name] = connection
        while len(self._open) > OPEN_DAYS_MAX:
            self._open.pop(next(iter(self._open))).close()
        return connection
