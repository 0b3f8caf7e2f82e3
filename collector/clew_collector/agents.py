"""What agents last said of themselves, and the best that any ever said of each file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self
from urllib.parse import quote

import msgspec

from clew_agent.wire import FileLedger, GivenUp, Heartbeat

from .errors import DataDirectoryError, LogError, LogFull

__all__ = ["Agents", "SeenAgent", "merge_ledgers"]

FILES_MAX = 1_000_000
AGENTS_MAX = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS agents (agent_id TEXT PRIMARY KEY, seen_ns INTEGER NOT NULL, beat BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (file_id TEXT PRIMARY KEY, ledger BLOB NOT NULL) WITHOUT ROWID;
"""

_encode = msgspec.msgpack.Encoder().encode
_beat = msgspec.msgpack.Decoder(Heartbeat)
_ledger = msgspec.msgpack.Decoder(FileLedger)


@dataclass(frozen=True, slots=True)
class SeenAgent:
    """An agent's last heartbeat, and when it came (ns UTC, by the collector's clock)."""

    beat: Heartbeat
    seen_ns: int


def merge_ledgers(known: FileLedger | None, said: FileLedger) -> FileLedger:
    """Return the account that forgets nothing of either: names as `said`, the farthest offsets, all given up."""
    if known is None:
        return said
    return msgspec.structs.replace(
        said,
        first=min(known.first, said.first),
        seen=max(known.seen, said.seen),
        shipped=max(known.shipped, said.shipped),
        acknowledged=max(known.acknowledged, said.acknowledged),
        lines=max(known.lines, said.lines),
        given_up=(
            *(old for old in known.given_up if not any(_holds(new, old) for new in said.given_up)),
            *said.given_up,
        ),
    )


def _holds(new: GivenUp, old: GivenUp) -> bool:
    return new.reason == old.reason and new.start <= old.start and old.end <= new.end


class Agents:
    """Keeps heartbeats in a SQLite file, or in memory. `clock` gives ns UTC. For one event loop.

    At most `agents_max` agents: the one not heard of for longest makes place. Accounts of files are never dropped, or
    the audit would lose its proof: above `files_max` a heartbeat with new files is refused.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        clock: Callable[[], int] = time.time_ns,
        agents_max: int = AGENTS_MAX,
        files_max: int = FILES_MAX,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._agents_max = agents_max
        self._files_max = files_max
        self._lock = Lock()
        self._seen = {agent.beat.agent_id: agent for agent in self._read_seen()}

    @classmethod
    def in_memory(cls, *, clock: Callable[[], int] = time.time_ns, **limits: int) -> Self:
        """Return an empty registry that ends with the process."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.executescript(_SCHEMA)
        return cls(connection, clock=clock, **limits)

    @classmethod
    def open(cls, path: Path, *, writable: bool = True, clock: Callable[[], int] = time.time_ns, **limits: int) -> Self:
        """Open the registry's file, which is made if `writable`; DataDirectoryError if it is damaged."""
        if not writable and not path.exists():
            return cls.in_memory(clock=clock, **limits)
        mode = "rwc" if writable else "ro"
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            if writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_SCHEMA)
            connection.execute("SELECT count(*) FROM agents").fetchone()
        except sqlite3.Error as error:
            connection.close()
            raise DataDirectoryError(
                f"{path} cannot be opened: {error}",
                hint="restore it from a backup; without it the audit knows only what agents report from now on",
            ) from error
        return cls(connection, clock=clock, **limits)

    async def record(self, beat: Heartbeat) -> None:
        """Keep a heartbeat, durably, unless a later one of that agent is there. LogFull or LogError if it cannot be."""
        await asyncio.to_thread(self._record, beat)

    def seen(self) -> list[SeenAgent]:
        """Return every agent's last heartbeat, by agent id, as this process recorded it or found it when it opened."""
        return [self._seen[agent_id] for agent_id in sorted(self._seen)]

    async def heartbeats(self) -> list[Heartbeat]:
        """Return the beats of `seen`."""
        return [agent.beat for agent in self.seen()]

    async def ledgers(self) -> dict[str, FileLedger]:
        """Return every file's account, by file id, also of files that their agent has forgotten."""
        rows = await asyncio.to_thread(self._select, "SELECT file_id, ledger FROM files ORDER BY file_id")
        return {file_id: _ledger.decode(ledger) for file_id, ledger in rows}

    async def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read_seen(self) -> list[SeenAgent]:
        rows = self._select("SELECT beat, seen_ns FROM agents")
        return [SeenAgent(_beat.decode(beat), seen_ns) for beat, seen_ns in rows]

    def _select(self, sql: str) -> list[tuple[Any, Any]]:
        with self._lock:
            try:
                return self._connection.execute(sql).fetchall()
            except sqlite3.Error as error:
                raise _explain(error) from error

    def _record(self, beat: Heartbeat) -> None:
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    seen = self._keep_beat(beat)
                    self._keep_ledgers(beat.files)
            except sqlite3.Error as error:
                raise _explain(error) from error
            self._seen = seen

    def _keep_beat(self, beat: Heartbeat) -> dict[str, SeenAgent]:
        known = self._seen.get(beat.agent_id)
        if known is not None and known.beat.sent_ns > beat.sent_ns:
            return self._seen
        agent = SeenAgent(beat, self._clock())
        self._connection.execute("REPLACE INTO agents VALUES (?, ?, ?)", (beat.agent_id, agent.seen_ns, _encode(beat)))
        seen = {**self._seen, beat.agent_id: agent}
        while len(seen) > self._agents_max:
            longest = min(seen, key=lambda agent_id: seen[agent_id].seen_ns)
            del seen[longest]
            self._connection.execute("DELETE FROM agents WHERE agent_id = ?", (longest,))
        return seen

    def _keep_ledgers(self, files: Sequence[FileLedger]) -> None:
        execute = self._connection.execute
        added = False
        for said in files:
            row = execute("SELECT ledger FROM files WHERE file_id = ?", (said.file_id,)).fetchone()
            known = _ledger.decode(row[0]) if row else None
            merged = merge_ledgers(known, said)
            if merged != known:
                execute("REPLACE INTO files VALUES (?, ?)", (said.file_id, _encode(merged)))
                added = added or known is None
        if added and execute("SELECT count(*) FROM files").fetchone()[0] > self._files_max:
            raise LogFull(f"the accounts of {self._files_max} files are kept already", hint="raise `ledger_files_max`")


def _explain(error: sqlite3.Error) -> LogError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return LogFull("there is no space for the agents' heartbeats", hint="free disk space")
    return LogError(f"the agents' heartbeats cannot be kept: {error}", hint="look at the disk and the file's rights")
