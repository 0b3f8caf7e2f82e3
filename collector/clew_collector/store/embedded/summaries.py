"""Transactions' summaries in a SQLite file beside the indices.

A transaction's lines come within seconds, so what they tell is gathered in memory over several commits of the index
and written once: when somebody asks, when it is much, or after a while. The file says up to which log position it knows
all; the rest is read from the index when it is opened. Merging twice changes nothing (`store/summary.py`), so nothing
else has to be exact. A reader in another process sees what was written: it may be `WRITE_INTERVAL_S` behind.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.gathering import Gathered
from clew_collector.store.matching import keyword
from clew_collector.store.protocol import TransactionCursor, TransactionPage, TransactionRequest
from clew_collector.store.summary import Summary, matches_summary, merge

from .day import DaySnapshot
from .failure import WHEN_WRITING
from .summary_query import conditions
from .summary_rows import COLUMNS, SCHEMA, Row, ServiceNumbers, row_of, summary_of

__all__ = ["FILE_NAME", "Summaries"]

FILE_NAME = "summaries.sqlite"
WRITE_INTERVAL_S = 10.0
PENDING_MAX = 20_000
"""Transactions that are gathered before they are written in any case."""
_ASKED_AT_ONCE = 500
_WHEN_DAMAGED = "if it is damaged, remove this file while Clew is stopped: it is made anew from the events"
_WAL_BYTES = 4 << 20
_SELECT = f"SELECT {COLUMNS} FROM summaries"  # noqa: S608 - names of ours
_REPLACE = f"REPLACE INTO summaries ({COLUMNS}) VALUES ({','.join('?' * len(COLUMNS.split(',')))})"  # noqa: S608


class Summaries:
    """Adds events, writes, answers. One thread adds and writes; any may ask what was written."""

    def __init__(self, path: Path, *, writable: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Open the file, which is made if `writable`; a reader finds nothing where there is none."""
        self._path = path
        self._writable = writable
        self._monotonic = monotonic
        self._written_at = monotonic()
        self._uncommitted: dict[str, Gathered] = {}
        self._pending: dict[str, Gathered] = {}
        self._lock = Lock()
        self._reader: sqlite3.Connection | None = None
        self._read_services = ServiceNumbers()
        self._writer = self._connect() if writable else None
        self._services = ServiceNumbers()
        self._committed = self._position()

    def _connect(self) -> sqlite3.Connection:
        mode = "rwc" if self._writable else "ro"
        with self._failures("use"):
            connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
            )
            if self._writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
                connection.executescript(SCHEMA)
            return connection

    def add(self, event: Event) -> None:
        """Take an admitted event that the store did not have. Runs for every line: measure each change."""
        name = event.transaction_id
        if name == event.event_id or not name:
            return
        known = self._uncommitted.get(name)
        if known is None:
            self._uncommitted[name] = Gathered(event)
        else:
            known.add(event)

    def committed(self, position: int) -> None:
        """Note that the index holds all that was added, and the log up to a position; write if it is time."""
        for name, told in self._uncommitted.items():
            known = self._pending.get(name)
            if known is None:
                self._pending[name] = told
            else:
                known.merge(told)
        self._uncommitted = {}
        self._committed = position
        if len(self._pending) >= PENDING_MAX or self._monotonic() - self._written_at >= WRITE_INTERVAL_S:
            self.write()

    def forget(self) -> None:
        """Drop what was added since the last commit."""
        self._uncommitted = {}

    def write(self) -> None:
        """Make what is committed durable and found by `page`. StoreError if it cannot be; it is then tried again."""
        self._written_at = self._monotonic()
        if self._writer is None or not self._pending:
            return
        told = [gathered.summary(keyword(name)) for name, gathered in self._pending.items()]
        with self._failures("write"):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for first in range(0, len(told), _ASKED_AT_ONCE):
                    self._merge(self._writer, told[first : first + _ASKED_AT_ONCE])
                self._writer.execute("REPLACE INTO meta VALUES ('position', ?)", (self._committed,))
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.rollback()
                self._services.forget()
                raise
        self._pending = {}

    def _merge(self, connection: sqlite3.Connection, told: Sequence[Summary]) -> None:
        marks = ",".join("?" * len(told))
        rows = connection.execute(f"{_SELECT} WHERE id IN ({marks})", [one.transaction_id for one in told]).fetchall()
        known: dict[str, Summary] = {row[0]: summary_of(row, self._services.names(connection)) for row in rows}
        merged = [merge(known[one.transaction_id], one) if one.transaction_id in known else one for one in told]
        changed = [one for one in merged if known.get(one.transaction_id) != one]
        connection.executemany(_REPLACE, [row_of(one, self._services.number(connection)) for one in changed])

    def catch_up(self, days: Sequence[DaySnapshot]) -> None:
        """Take what the indices hold beyond what was committed here: after a kill, or a commit that came through."""
        known = self._committed
        for day in days:
            for number, event in enumerate(day.events_behind(known) if day.position > known else ()):
                self.add(event)
                if number % PENDING_MAX == 0:
                    # Not until the last is written does the file say that it knows them.
                    self.committed(known)
        self.committed(max((day.position for day in days), default=known))

    def _position(self) -> int:
        if self._writer is None:
            return 0
        with self._failures("read"):
            found = self._writer.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()
        return found[0] if found else 0

    def page(self, request: TransactionRequest) -> TransactionPage:
        """Return a page of transactions; see `Store.transactions`."""
        with self._reading() as connection:
            if connection is None:
                return TransactionPage((), 0, None)
            where, values, exact = conditions(request.expression, request.start, request.end)
            ask = self._first_page if exact else self._scan
            found, total = ask(connection, request, where, values)
        page = tuple(found[: request.limit])
        more = page and len(found) > request.limit
        return TransactionPage(page, total, _place(page[-1]) if more else None)

    def _first_page(
        self, connection: sqlite3.Connection, request: TransactionRequest, where: str, values: list[object]
    ) -> tuple[list[Summary], int]:
        """Return one summary more than the page has, and the total, where SQLite can answer all."""
        (total,) = connection.execute(f"SELECT count(*) FROM summaries{where}", values).fetchone()  # noqa: S608
        order, beyond = ("DESC", "<") if request.order == "desc" else ("ASC", ">")
        if request.after is not None:
            where = f"{where} {'AND' if where else 'WHERE'} (start, id) {beyond} (?, ?)"
            values = [*values, *request.after]
        sql = f"{_SELECT}{where} ORDER BY start {order}, id {order} LIMIT ?"
        rows = connection.execute(sql, [*values, request.limit + 1]).fetchall()
        return [summary_of(row, self._read_services.names(connection)) for row in rows], total

    def _scan(
        self, connection: sqlite3.Connection, request: TransactionRequest, where: str, values: list[object]
    ) -> tuple[list[Summary], int]:
        """Return the same by looking at every row that SQLite leaves."""
        order = "DESC" if request.order == "desc" else "ASC"
        rows: Iterator[Row] = connection.execute(f"{_SELECT}{where} ORDER BY start {order}, id {order}", values)
        found: list[Summary] = []
        total, after = 0, request.after
        for row in rows:
            summary = summary_of(row, self._read_services.names(connection))
            if not matches_summary(request.expression, summary):
                continue
            total += 1
            place = _place(summary)
            if after is not None and not (place < after if request.order == "desc" else place > after):
                continue
            if len(found) <= request.limit:
                found.append(summary)
        return found, total

    def close(self) -> None:
        """Write what is committed, close the file. StoreError as `write`; it is closed all the same."""
        try:
            self.write()
        finally:
            with self._lock:
                for connection in (self._writer, self._reader):
                    if connection is not None:
                        connection.close()
                self._writer = self._reader = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        with self._lock, self._failures("read"):
            if self._reader is None and self._path.exists():
                self._reader = self._connect()
            yield self._reader

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = _WHEN_DAMAGED if what == "use" else WHEN_WRITING
            raise StoreError(f"cannot {what} the summaries {self._path}: {error}", hint=hint) from error


def _place(summary: Summary) -> TransactionCursor:
    return TransactionCursor(summary.start, summary.transaction_id)
