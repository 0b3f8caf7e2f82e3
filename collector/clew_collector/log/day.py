"""One day of the SQLite log: its file, its tables, and what SQLite's errors mean.

    meta      base_position, base_bytes, base_ns: what the days before it end with
    chunks    position (no gaps), when appended (never falls), encoded bytes of the log up to and with it, the chunk
    received  the same for requests (OTLP): of each that came on this day or the one before (`carried`) what of it the
              log has. They come again within minutes, or never
    coverage  which bytes of which file the *whole* log has: carried over when the next day begins, so that an append
              needs one file and one transaction, and old days can be removed

A file is built under another name and renamed when whole: a day that exists is a day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from clew_agent.wire import Source, SourceKind
from clew_collector.datadir import sync_directory
from clew_collector.errors import DataDirectoryError, LogError, LogFull

from .coverage import Interval

__all__ = [
    "Tip",
    "add_coverage",
    "base_of",
    "connect",
    "create_day",
    "day_files",
    "explain",
    "overlapping",
    "read_coverage",
    "read_received",
    "tip_of",
]

FORMAT = 1
PATTERN = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].sqlite"
# Chunks are some 100 KB: a page of 16 KiB keeps their overflow chains short and a small commit small.
PAGE_BYTES = 16 << 10
WAL_PAGES = 1024
BUSY_TIMEOUT_S = 10.0

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    position INTEGER PRIMARY KEY, appended_ns INTEGER NOT NULL, total_bytes INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE coverage (
    file_id BLOB NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, PRIMARY KEY (file_id, start)
) WITHOUT ROWID;
"""
_RECEIVED = """
CREATE TABLE IF NOT EXISTS received (
    file_id BLOB NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, carried INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (file_id, start)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a log ends: last position, encoded bytes up to it, when it was appended (ns UTC)."""

    position: int = 0
    total_bytes: int = 0
    appended_ns: int = 0


def day_files(directory: Path) -> list[Path]:
    """Return the log's files, oldest first."""
    return sorted(directory.glob(PATTERN))


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open a day; DataDirectoryError if it is not one, or damaged, or of a newer version."""
    connection = None
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={'rw' if writable else 'ro'}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_S,
        )
        found = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if found != (FORMAT,):
            raise DataDirectoryError(
                f"{path} has the format {found and found[0]}, this Clew knows {FORMAT}",
                hint="start the Clew version that wrote it; nothing was changed",
            )
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {2 * WAL_PAGES * PAGE_BYTES}")
            connection.execute(_RECEIVED)
    except (sqlite3.Error, DataDirectoryError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, DataDirectoryError):
            raise
        raise DataDirectoryError(
            f"{path} cannot be opened: {error}",
            hint="if it is damaged, restore it from a backup or move it away; nothing was changed",
        ) from error
    return connection


def create_day(
    path: Path,
    *,
    tip: Tip,
    coverage: Iterable[tuple[bytes, int, int]],
    received: Iterable[tuple[bytes, int, int]] = (),
) -> None:
    """Make the file of a new day that goes on behind `tip`.

    Raises sqlite3.Error or OSError when it cannot; then there is no such file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    for leftover in path.parent.glob("*.sqlite.new*"):
        leftover.unlink()
    connection = sqlite3.connect(unfinished, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript("BEGIN;" + _SCHEMA + _RECEIVED)
        base = {"format": FORMAT, "position": tip.position, "total_bytes": tip.total_bytes, "ns": tip.appended_ns}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", base.items())
        connection.executemany("INSERT INTO coverage VALUES (?, ?, ?)", coverage)
        connection.executemany("INSERT INTO received VALUES (?, ?, ?, 1)", received)
        connection.execute("COMMIT")
    finally:
        connection.close()
    unfinished.rename(path)
    sync_directory(path.parent)


def base_of(connection: sqlite3.Connection) -> Tip:
    """Return where the days before this one end."""
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    return Tip(meta["position"], meta["total_bytes"], meta["ns"])


def tip_of(connection: sqlite3.Connection) -> Tip:
    """Return where this day ends."""
    found = connection.execute(
        "SELECT position, total_bytes, appended_ns FROM chunks ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return Tip(*found) if found else base_of(connection)


def overlapping(connection: sqlite3.Connection, source: Source, start: int, end: int) -> list[Interval]:
    """Return the covered intervals of the source that overlap or touch `start` to `end`, sorted."""
    file, table = source.file_id, _table(source)
    rows = connection.execute(
        f'SELECT start, "end" FROM {table} WHERE file_id = ? AND start <= ? AND start >= coalesce('  # noqa: S608
        f"(SELECT max(start) FROM {table} WHERE file_id = ? AND start <= ?), 0) ORDER BY start",
        (file, end, file, start),
    )
    return [(first, last) for first, last in rows if last >= start]


def add_coverage(
    connection: sqlite3.Connection, source: Source, before: Sequence[Interval], after: Sequence[Interval]
) -> None:
    """Put the source's intervals `after` in place of `before`."""
    file, table = source.file_id, _table(source)
    connection.executemany(
        f"DELETE FROM {table} WHERE file_id = ? AND start = ?",  # noqa: S608
        [(file, start) for start, _ in set(before) - set(after)],
    )
    connection.executemany(
        f'INSERT INTO {table} (file_id, start, "end") VALUES (?, ?, ?)',  # noqa: S608
        [(file, *interval) for interval in set(after) - set(before)],
    )


def _table(source: Source) -> str:
    return "coverage" if source.kind is SourceKind.FILE else "received"


def read_coverage(connection: sqlite3.Connection) -> list[tuple[bytes, int, int]]:
    """Return `(file id, start, end)` of all that the log up to this day has, sorted."""
    return connection.execute('SELECT file_id, start, "end" FROM coverage ORDER BY file_id, start').fetchall()


def read_received(connection: sqlite3.Connection) -> list[tuple[bytes, int, int]]:
    """Return `(file id, start, end)` of the requests that came on this day."""
    return connection.execute('SELECT file_id, start, "end" FROM received WHERE NOT carried').fetchall()


def explain(error: sqlite3.Error | OSError, directory: Path) -> LogError:
    """Return the LogError, or LogFull, that says what the failure means to an operator."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in _NO_SPACE):
        return LogFull(
            f"the log in {directory} has no space for more",
            hint="free disk space, or raise `log_bytes_max`; agents keep their place and send again",
        )
    return LogError(f"the log in {directory} failed: {error}", hint="look at the disk and at the file's rights")


_NO_SPACE = frozenset({28, 122})  # ENOSPC, EDQUOT (errno(3))
