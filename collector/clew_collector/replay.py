"""Reading the log again into a new store, which takes the place of the old one when it is whole."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from clew_agent.errors import ClewError

from .datadir import DataDirectory
from .log.protocol import Log
from .log.sqlite import SqliteLog
from .normalise import Normaliser
from .rebuild import finish_swap, new_store, swap
from .settings import CollectorSettings
from .store.embedded import EmbeddedStore
from .store.protocol import Store
from .supply import Supply

__all__ = ["Progress", "Replayed", "parse_day", "replay_store"]

Progress = Callable[[int, int], None]
"""Told `(done, total)`, in bytes of the log."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was done: records of the log read again, and what the whole new store holds."""

    records: int
    events: int
    files: int
    bytes: int
    seconds: float


class _LogClock:
    """The time at which the records being written came: their events go into the index of that day."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def parse_day(text: str) -> date:
    """Return the UTC day of a date or RFC 3339 time; ClewError if it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClewError(f"`{text}` is no day", hint="write it as 2026-11-24 or 2026-11-24T12:00:00Z") from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


async def replay_store(data: Path, *, since: date | None, progress: Progress) -> Replayed:
    """Rebuild the store of a data directory that no process has open.

    With `since`, the indices of earlier days are taken over as they are. A kill at any point leaves a directory that
    opens, with the old store or the new one. DirectoryLocked, DataDirectoryError, LogError, StoreError.
    """
    settings = CollectorSettings(data=data)
    begun = time.monotonic()
    async with AsyncExitStack() as opened:
        DataDirectory.look(data)
        directory = DataDirectory.open(data)
        opened.callback(directory.close)
        finish_swap(directory.store)
        log = SqliteLog.open(directory.log, writable=False)
        opened.push_async_callback(log.close)
        building = new_store(directory.store)
        await asyncio.to_thread(_keep_days, directory.store, building, since)
        records, events, files, size = await _build(log, building, settings, progress)
        await asyncio.to_thread(swap, directory.store)
    return Replayed(records, events, files, size, time.monotonic() - begun)


def _keep_days(store: Path, building: Path, since: date | None) -> None:
    building.mkdir()
    if since is None or not store.exists():
        return
    for day in sorted(store.iterdir()):
        if day.is_dir() and day.name < since.isoformat():
            shutil.copytree(day, building / day.name)


async def _build(
    log: Log, building: Path, settings: CollectorSettings, progress: Progress
) -> tuple[int, int, int, int]:
    clock = _LogClock()
    store = EmbeddedStore.open(building, writable=True, clock=clock)
    try:
        first = await store.position()
        last = await _copy(log, store, clock, settings, progress)
        stored = await store.files()
    finally:
        await store.close()
    return last - first, sum(f.events for f in stored), len(stored), sum(f.bytes for f in stored)


async def _copy(log: Log, store: Store, clock: _LogClock, settings: CollectorSettings, progress: Progress) -> int:
    """Write everything behind the store's position; return the position then."""
    supply = Supply(
        log, Normaliser(), batch_bytes_max=settings.batch_bytes_max, batch_lines_max=settings.batch_lines_max
    )
    after = await store.position()
    total = await log.lag_bytes(after)
    unflushed = 0
    preparing = asyncio.create_task(supply.next(after, wait_s=0))
    try:
        while (supplied := await preparing) is not None:
            after = supplied.position
            preparing = asyncio.create_task(supply.next(after, wait_s=0))
            if not _same_day(clock.now_ns, supplied.appended_ns):
                await store.flush()
                unflushed = 0
            clock.now_ns = supplied.appended_ns
            await store.write(supplied.items)
            unflushed += len(supplied.items)
            if supplied.complete and unflushed >= settings.flush_events_max:
                await store.flush()
                unflushed = 0
            progress(total - await log.lag_bytes(after), total)
        await store.flush()
    finally:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
    return after


def _same_day(one_ns: int, other_ns: int) -> bool:
    return one_ns // (86_400 * 10**9) == other_ns // (86_400 * 10**9)
