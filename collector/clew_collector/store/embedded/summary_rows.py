"""A summary as a row: services by number, as their names would be most of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from clew_collector.store.summary import Root, Summary

__all__ = ["COLUMNS", "SCHEMA", "Row", "ServiceNumbers", "row_of", "summary_of"]

COLUMNS = 'id,start,"end",severity,services,root_rank,root_time,root_event,root,root_name'
Row = tuple[Any, ...]
"""In the order of `COLUMNS`; `services` has each one's number between blanks, `root` is one, 0 for none."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS summaries (
    id TEXT PRIMARY KEY, start INTEGER NOT NULL, "end" INTEGER NOT NULL, severity INTEGER NOT NULL,
    services TEXT NOT NULL, root_rank INTEGER NOT NULL, root_time INTEGER NOT NULL, root_event TEXT NOT NULL,
    root INTEGER NOT NULL, root_name TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_start ON summaries (start, id);
CREATE TABLE IF NOT EXISTS services (number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class ServiceNumbers:
    """The table of services, remembered. Services are never removed from it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._names: dict[int, str] = {0: ""}

    def forget(self) -> None:
        """Forget what may have been rolled back."""
        self._numbers, self._names = {"": 0}, {0: ""}

    def number(self, connection: sqlite3.Connection) -> Callable[[str], int]:
        """Return what gives the number of a service, a new one if it has none."""

        def number_of(name: str) -> int:
            number = self._numbers.get(name)
            if number is None:
                connection.execute("INSERT OR IGNORE INTO services (name) VALUES (?)", (name,))
                (number,) = connection.execute("SELECT number FROM services WHERE name = ?", (name,)).fetchone()
                self._numbers[name], self._names[number] = number, name
            return number

        return number_of

    def names(self, connection: sqlite3.Connection) -> Callable[[int], str]:
        """Return what gives the name of a number that the table has."""

        def name_of(number: int) -> str:
            if number not in self._names:
                self._names.update(connection.execute("SELECT number, name FROM services"))
            return self._names[number]

        return name_of


def row_of(summary: Summary, number_of: Callable[[str], int]) -> Row:
    """Return the summary's row."""
    root = summary.root
    numbers = " ".join(str(number_of(name)) for name in summary.services)
    return (
        summary.transaction_id, summary.start, summary.end, summary.severity_number, f" {numbers} ",
        root.rank, root.time, root.event_id, number_of(root.service), root.name,
    )  # fmt: skip


def summary_of(row: Row, name_of: Callable[[int], str]) -> Summary:
    """Return the row's summary."""
    name, start, end, severity, services, rank, time, event, root, root_name = row
    names = tuple(sorted(name_of(int(number)) for number in services.split()))
    return Summary(name, start, end, severity, names, Root(rank, time, event, name_of(root), root_name))
