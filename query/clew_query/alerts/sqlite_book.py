"""The alert book in one SQLite file: a state change and what it tells are one transaction (a transactional outbox).

WAL with `synchronous=FULL`: what `record` returned from survives a kill and a power cut.
Source of the pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clew_collector.errors import DataDirectoryError
from clew_query.errors import AlertBookError

from .book import SETTLED_MAX, Outgoing, Queued
from .decide import AlertState, Phase
from .notification import AlertKey, Notification

__all__ = ["SqliteAlertBook"]

FORMAT = 1
BUSY_TIMEOUT_S = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert (
    rule TEXT NOT NULL, group_by TEXT NOT NULL, group_value TEXT NOT NULL,
    state TEXT NOT NULL,                                  -- AlertState as JSON; never inactive
    PRIMARY KEY (rule, group_by, group_value)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,           -- the order of sending
    webhook TEXT NOT NULL, notification_id TEXT NOT NULL,
    notification TEXT NOT NULL,                           -- Notification as JSON
    created_ns INTEGER NOT NULL,
    settled_ns INTEGER,                                   -- when sent or given up
    given_up TEXT NOT NULL DEFAULT '',                    -- why, when given up
    UNIQUE (webhook, notification_id)
);
CREATE INDEX IF NOT EXISTS outbox_unsettled ON outbox (webhook, sequence) WHERE settled_ns IS NULL;
"""
_COLUMNS = "sequence, webhook, notification, created_ns, settled_ns, given_up"

T = TypeVar("T")


class SqliteAlertBook:
    """An alert book in a file. SQLite is called on a thread, one call at a time."""

    def __init__(self, connection: sqlite3.Connection, *, settled_max: int = SETTLED_MAX) -> None:
        self._connection = connection
        self._settled_max = settled_max
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, settled_max: int = SETTLED_MAX) -> SqliteAlertBook:
        """Open or create the book; DataDirectoryError if the file is none, damaged or of a newer version."""
        try:
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        try:
            _prepare(connection, path)
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(path, error) from error
        except DataDirectoryError:
            connection.close()
            raise
        return cls(connection, settled_max=settled_max)

    async def states(self) -> dict[AlertKey, AlertState]:
        """Return the alerts that are pending or firing."""
        rows = await self._call(
            lambda db: db.execute("SELECT rule, group_by, group_value, state FROM alert").fetchall()
        )
        return {AlertKey(*row[:3]): msgspec.json.decode(row[3], type=AlertState) for row in rows}

    async def record(
        self, changes: Mapping[AlertKey, AlertState], outgoing: Sequence[Outgoing], *, now_ns: int
    ) -> None:
        """Keep the changed states and queue what they tell; as `AlertBook`."""
        ended = [key for key, state in changes.items() if state.phase is Phase.INACTIVE]
        active = [
            (*key, msgspec.json.encode(replace(state, note="")).decode())
            for key, state in changes.items()
            if state.phase is not Phase.INACTIVE
        ]
        queued = [
            (out.webhook, out.notification.notification_id, msgspec.json.encode(out.notification).decode(), now_ns)
            for out in outgoing
        ]

        def write(db: sqlite3.Connection) -> None:
            with _transaction(db):
                db.executemany("DELETE FROM alert WHERE rule = ? AND group_by = ? AND group_value = ?", ended)
                db.executemany("INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?)", active)
                db.executemany(
                    "INSERT INTO outbox (webhook, notification_id, notification, created_ns) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    queued,
                )

        await self._call(write)

    async def heads(self) -> dict[str, Queued]:
        """Return the oldest notification of each webhook that is not settled."""
        heads = await self._queued(
            "WHERE sequence IN (SELECT min(sequence) FROM outbox WHERE settled_ns IS NULL GROUP BY webhook)"
        )
        return {queued.webhook: queued for queued in heads}

    async def settle(self, sequence: int, *, now_ns: int, given_up: str = "") -> None:
        """Note that a notification was sent or given up."""

        def write(db: sqlite3.Connection) -> None:
            with _transaction(db):
                db.execute(
                    "UPDATE outbox SET settled_ns = ?, given_up = ? WHERE sequence = ?", (now_ns, given_up, sequence)
                )
                db.execute(
                    "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox WHERE settled_ns IS NOT NULL"
                    " ORDER BY sequence DESC LIMIT -1 OFFSET ?)",
                    (self._settled_max,),
                )

        await self._call(write)

    async def notifications(self, limit: int = 100) -> list[Queued]:
        """Return the latest notifications, latest first."""
        return await self._queued("ORDER BY sequence DESC LIMIT ?", limit)

    async def close(self) -> None:
        """Close the file, after the call that is under way."""

        def close() -> None:
            with self._lock:
                self._connection.close()

        await asyncio.to_thread(close)

    async def _queued(self, condition: str, *parameters: int) -> list[Queued]:
        statement = f"SELECT {_COLUMNS} FROM outbox {condition}"  # noqa: S608 - both parts are constants of this module
        rows = await self._call(lambda db: db.execute(statement, parameters).fetchall())
        return [
            Queued(sequence, webhook, msgspec.json.decode(body, type=Notification), created, settled, given_up)
            for sequence, webhook, body, created, settled, given_up in rows
        ]

    async def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def locked() -> T:
            with self._lock:
                return work(self._connection)

        try:
            return await asyncio.to_thread(locked)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise AlertBookError(
                f"the alert book could not be read or written: {error}",
                hint="is the disk full? alerts are decided again at the next evaluation",
            ) from error


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[Any]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise DataDirectoryError(
            f"{path} is of format {version}, this Clew knows {FORMAT}; nothing was changed",
            hint="run the newer version of Clew that wrote it",
        )
    if problems := [row[0] for row in db.execute("PRAGMA quick_check(1)") if row[0] != "ok"]:
        raise sqlite3.DatabaseError(problems[0])
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    with _transaction(db):
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={FORMAT}")


def _unusable(path: Path, error: sqlite3.Error) -> DataDirectoryError:
    return DataDirectoryError(
        f"the alert book {path} cannot be used: {error}; nothing was changed",
        hint="restore it from a backup, or move it away: alerts then begin anew and may be told again",
    )
