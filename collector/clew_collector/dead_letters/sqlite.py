"""Dead letters in the data directory of one machine: a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self
from urllib.parse import quote

import msgspec

from clew_collector.errors import DataDirectoryError, LogError

from .letter import DeadLetter
from .memory import fold

__all__ = ["SqliteDeadLetters"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS letters (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, letter BLOB NOT NULL)"
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode


class SqliteDeadLetters:
    """Implements `DeadLetters`. The file is made with the first letter."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._writable = writable
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path, *, writable: bool = True) -> Self:
        """Open the file, which need not be there; DataDirectoryError if it is damaged."""
        letters = cls(path, writable=writable)
        if path.exists():
            try:
                letters._connect().execute("SELECT count(*) FROM letters").fetchone()
            except sqlite3.Error as error:
                raise DataDirectoryError(
                    f"{path} cannot be opened: {error}", hint="restore it from a backup or move it away"
                ) from error
        return letters

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters`."""
        await asyncio.to_thread(self._bury, letters)

    async def letters(self) -> list[DeadLetter]:
        """See `DeadLetters`."""
        return await asyncio.to_thread(self._letters)

    async def remove(self, ids: Sequence[str]) -> None:
        """See `DeadLetters`."""
        await asyncio.to_thread(self._remove, ids)

    async def close(self) -> None:
        """See `DeadLetters`."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            mode = "rwc" if self._writable else "ro"
            self._connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
            )
            if self._writable:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute(_SCHEMA)
        return self._connection

    def _bury(self, letters: Sequence[DeadLetter]) -> None:
        with self._lock:
            try:
                connection = self._connect()
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    for letter in letters:
                        self._keep(connection, letter)
            except sqlite3.Error as error:
                raise LogError(
                    f"dead letters cannot be kept in {self._path}: {error}",
                    hint="look at the disk and the file's rights",
                ) from error

    @staticmethod
    def _keep(connection: sqlite3.Connection, letter: DeadLetter) -> None:
        row = connection.execute("SELECT letter FROM letters WHERE id = ?", (letter.id,)).fetchone()
        kept = {letter.id: _decode(row[0])} if row else {}
        fold(kept, [letter])
        connection.execute(
            "INSERT INTO letters (id, letter) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET letter = excluded.letter",
            (letter.id, _encode(kept[letter.id])),
        )

    def _letters(self) -> list[DeadLetter]:
        with self._lock:
            if not self._path.exists():
                return []
            rows = self._connect().execute("SELECT letter FROM letters ORDER BY number").fetchall()
        return [_decode(letter) for (letter,) in rows]

    def _remove(self, ids: Sequence[str]) -> None:
        with self._lock:
            if self._path.exists():
                connection = self._connect()
                with connection:
                    connection.executemany("DELETE FROM letters WHERE id = ?", [(letter_id,) for letter_id in ids])
