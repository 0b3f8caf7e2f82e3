"""Writing the SQLite log: one thread, and one transaction for all appends that wait (group commit).

An fsync costs the same for one append as for twenty, so those that arrive while one is under way share the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from clew_agent.wire import Chunk, encode_chunk
from clew_collector.errors import DataDirectoryError

from .coverage import merge, runs, take
from .day import (
    PAGE_BYTES,
    Tip,
    add_coverage,
    connect,
    create_day,
    day_files,
    explain,
    overlapping,
    read_coverage,
    read_received,
    tip_of,
)
from .protocol import Appended

__all__ = ["LogWriter"]

GROUP_APPENDS_MAX = 64


@dataclass(frozen=True, slots=True)
class _Append:
    chunks: Sequence[Chunk]
    encoded: Sequence[bytes]
    done: Future[Appended] = field(default_factory=Future)


class LogWriter:
    """Appends from any thread. `bytes_max` bounds all days' files together; `clock` gives ns UTC.

    Its queue holds what callers wait for; they bound it (`in_flight_bytes_max` of the ingest API).
    """

    def __init__(self, directory: Path, *, clock: Callable[[], int], bytes_max: int | None) -> None:
        self._directory = directory
        self._clock = clock
        self._bytes_max = bytes_max
        self._queue: SimpleQueue[_Append | None] = SimpleQueue()
        self._path: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._tip = Tip()
        if days := day_files(directory):
            self._open(days[-1])
        self._thread = Thread(target=self._run, name="clew-log-writer", daemon=True)
        self._thread.start()

    @property
    def tip(self) -> Tip:
        """Where the log ends, as last committed."""
        return self._tip

    def append(self, chunks: Sequence[Chunk], encoded: Sequence[bytes]) -> Future[Appended]:
        """Queue an append; the future is done when it is durable, or failed as `Log.append` says."""
        request = _Append(chunks, encoded)
        self._queue.put(request)
        return request.done

    def close(self) -> None:
        """Finish what is queued, end the thread, close the file."""
        self._queue.put(None)
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            ended = False
            while len(group) < GROUP_APPENDS_MAX and not ended:
                try:
                    request = self._queue.get_nowait()
                except Empty:
                    break
                ended = request is None
                if request is not None:
                    group.append(request)
            self._commit([request for request in group if request.done.set_running_or_notify_cancel()])
            if ended:
                return

    def _commit(self, group: Sequence[_Append]) -> None:
        if not group:
            return
        try:
            now = max(self._clock(), self._tip.appended_ns)
            connection = self._day(now)
            answers, tip = _write(connection, group, self._tip, now)
        except Exception as error:  # noqa: BLE001 - a thread has no caller: the failure goes to those who wait
            self._roll_back()
            failure = explain(error, self._directory) if isinstance(error, sqlite3.Error | OSError) else error
            for request in group:
                request.done.set_exception(failure)
            return
        self._tip = tip
        for request, answer in zip(group, answers, strict=True):
            request.done.set_result(answer)

    def _roll_back(self) -> None:
        # SQLite ends a transaction by itself when the disk is full.
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _day(self, now: int) -> sqlite3.Connection:
        """Return the file of the day; the newest one stays if the clock stepped back."""
        name = f"{datetime.fromtimestamp(now // 10**9, UTC):%Y-%m-%d}.sqlite"
        if self._connection is not None and self._path is not None and name <= self._path.name:
            return self._connection
        path = self._directory / name
        before = self._connection
        coverage, received = (read_coverage(before), read_received(before)) if before is not None else ([], [])
        create_day(path, tip=self._tip, coverage=coverage, received=received)
        self._open(path)
        if before is not None:
            before.close()
        assert self._connection is not None
        return self._connection

    def _open(self, path: Path) -> None:
        connection = connect(path, writable=True)
        try:
            self._tip = tip_of(connection)
            if self._bytes_max is not None:
                others = sum(day.stat().st_size for day in day_files(self._directory) if day != path)
                pages = max(1, (self._bytes_max - others) // PAGE_BYTES)
                connection.execute(f"PRAGMA max_page_count = {pages}")
        except sqlite3.Error as error:
            connection.close()
            raise DataDirectoryError(
                f"{path} cannot be read: {error}", hint="restore it from a backup; nothing was changed"
            ) from error
        self._path, self._connection = path, connection


def _write(connection: sqlite3.Connection, group: Sequence[_Append], tip: Tip, now: int) -> tuple[list[Appended], Tip]:
    """Write a group in one transaction; return the answers and where the log then ends."""
    answers = []
    connection.execute("BEGIN IMMEDIATE")
    for request in group:
        accepted = duplicate = 0
        for i, chunk in enumerate(request.chunks):
            covered = overlapping(connection, chunk.source, chunk.start, chunk.end)
            taken = take(chunk, covered)
            accepted += taken.accepted
            duplicate += taken.duplicate
            if taken.chunk is None:
                continue
            whole = request.encoded and taken.chunk is chunk
            data = request.encoded[i] if whole else encode_chunk(taken.chunk)
            tip = Tip(tip.position + 1, tip.total_bytes + len(data), now)
            connection.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", (tip.position, now, tip.total_bytes, data))
            add_coverage(connection, chunk.source, covered, merge([*covered, *runs(taken.chunk)]))
        answers.append(Appended(accepted, duplicate))
    connection.execute("COMMIT")
    return answers, tip
