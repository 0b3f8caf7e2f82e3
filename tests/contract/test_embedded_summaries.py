"""The embedded store's summaries through kills, failures and lost files: always what its events tell."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_store import NOW, TRANSACTIONS, part

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.embedded.summaries import FILE_NAME, PENDING_MAX, WRITE_INTERVAL_S, Summaries
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item, TransactionRequest
from clew_collector.store.summary import Summary

DAY_NS = 86_400 * 10**9


async def expected(events: list[Event]) -> tuple[Summary, ...]:
    store = MemoryStore()
    await store.write([Item(1, one) for one in events])
    await store.flush()
    return (await store.transactions(TransactionRequest())).summaries


async def summaries(store: EmbeddedStore) -> tuple[Summary, ...]:
    return (await store.transactions(TransactionRequest())).summaries


async def fill(store: EmbeddedStore, events: list[Event], position: int) -> None:
    await store.write([Item(position, one) for one in events])
    await store.flush()


def abandon(store: EmbeddedStore) -> None:
    """Leave the store as a kill would: nothing is written any more."""
    store._summaries._pending = {}


class TestCatchingUp:
    @pytest.mark.parametrize("lost", [True, False])
    async def test_what_was_not_written_or_lost_is_read_from_the_index(self, tmp_path: Path, lost: bool) -> None:
        now = [NOW]
        store = EmbeddedStore.open(tmp_path, writable=True, clock=lambda: now[0])
        await fill(store, TRANSACTIONS[:3], 1)
        assert len(await summaries(store)) == 1
        now[0] += DAY_NS
        await fill(store, TRANSACTIONS[3:], 9)
        abandon(store)
        await store.close()
        if lost:
            for file in tmp_path.glob(FILE_NAME + "*"):
                file.unlink()
        store = EmbeddedStore.open(tmp_path, writable=True)
        assert await summaries(store) == await expected(TRANSACTIONS)
        await store.close()

    async def test_a_reader_sees_what_was_written_when_it_was_closed(self, tmp_path: Path) -> None:
        store = EmbeddedStore.open(tmp_path, writable=True)
        reader = EmbeddedStore.open(tmp_path, writable=False)
        assert await summaries(reader) == ()
        await fill(store, TRANSACTIONS, 1)
        await store.close()
        assert await summaries(reader) == await expected(TRANSACTIONS)
        await reader.close()

    async def test_a_damaged_file_is_a_clear_error(self, tmp_path: Path) -> None:
        (tmp_path / FILE_NAME).write_bytes(os.urandom(8192))
        with pytest.raises(StoreError, match="summaries"):
            EmbeddedStore.open(tmp_path, writable=True)


class TestWriting:
    def rows(self, path: Path) -> int:
        connection = sqlite3.connect(path)
        (count,) = connection.execute("SELECT count(*) FROM summaries").fetchone()
        connection.close()
        return int(count)

    def test_waits_until_it_is_much_or_a_while(self, tmp_path: Path) -> None:
        now = [0.0]
        made = Summaries(tmp_path / "s", writable=True, monotonic=lambda: now[0])
        made.add(part("aa" * 16, 1, "s"))
        made.committed(1)
        assert self.rows(tmp_path / "s") == 0
        now[0] += WRITE_INTERVAL_S
        made.committed(2)
        assert self.rows(tmp_path / "s") == 1
        for i in range(PENDING_MAX):
            made.add(part(f"{i:032x}", i, "s"))
        made.committed(3)
        assert self.rows(tmp_path / "s") == PENDING_MAX + 1
        made.close()

    def test_what_was_not_committed_is_forgotten(self, tmp_path: Path) -> None:
        made = Summaries(tmp_path / "s", writable=True)
        made.add(part("aa" * 16, 1, "s"))
        made.forget()
        made.committed(1)
        made.close()
        assert self.rows(tmp_path / "s") == 0

    def test_a_failure_loses_nothing(self, tmp_path: Path) -> None:
        made = Summaries(tmp_path / "s", writable=True)
        made.add(part("aa" * 16, 1, "s"))
        made.committed(1)
        other: Any = sqlite3.connect(tmp_path / "s", isolation_level=None)
        other.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        made._writer.execute("PRAGMA busy_timeout = 0")  # type: ignore[union-attr]
        with pytest.raises(StoreError, match="locked"):
            made.write()
        other.execute("ROLLBACK")
        other.close()
        made.close()
        assert self.rows(tmp_path / "s") == 1
