"""The one writer of a store: the index of the current log day, open for documents, until a commit or a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import tantivy

from clew_collector.errors import StoreError

from .day import Day, day_directories, open_day
from .failure import WHEN_WRITING, store_failures

__all__ = ["DayWriter", "log_day"]


def log_day(now_ns: int, newest: str) -> str:
    """Return the day to write: that of the clock (ns UTC), or the newest there is when the clock went back."""
    today = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date().isoformat()
    return max(today, newest)


class DayWriter:
    """Adds documents to the day's index. Between two commits the day does not change. Not for several threads at once.

    After a failure the engine's writer is thrown away: what it had since the last commit is gone, as the caller is
    told, and the next document finds a new one.
    """

    def __init__(self, directory: Path, *, heap_bytes: int, threads: int, clock: Callable[[], int]) -> None:
        self._directory = directory
        self._heap_bytes = heap_bytes
        self._threads = threads
        self._clock = clock
        self._writer: tantivy.IndexWriter | None = None
        self._day: Day | None = None
        self._dirty = False

    @property
    def day(self) -> Day | None:
        """The day written last."""
        return self._day

    def begin(self) -> None:
        """Open the index of today for documents if it is not. StoreError if it cannot be written."""
        if self._writer is not None and self._dirty:
            return
        newest = max((path.name for path in day_directories(self._directory)), default="")
        day = log_day(self._clock(), newest)
        if self._day is None or self._writer is None or self._day.directory.name != day:
            self._turn(self._directory / day)

    def _turn(self, directory: Path) -> None:
        self.close(merge=True)
        with store_failures(f"cannot write the index {directory}", WHEN_WRITING):
            directory.mkdir(parents=True, exist_ok=True)
            self._day = open_day(directory)
            self._writer = self._day.index.writer(self._heap_bytes, self._threads)

    def add(self, document: tantivy.Document) -> None:
        """Take a document. StoreError if the writer died; then everything since the last commit is gone."""
        if self._writer is None:
            raise StoreError("the index is not open for writing")
        self._dirty = True
        self._writer.add_document(document)

    def commit(self) -> Day | None:
        """Make every document durable; return the day they are in, None if there were none. StoreError as `add`."""
        if self._writer is None or not self._dirty:
            return None
        self._writer.commit()
        self._dirty = False
        return self._day

    def abandon(self) -> None:
        """Throw the engine's writer away, and with it what was not committed."""
        self._writer = None
        self._dirty = False

    def close(self, *, merge: bool = False) -> None:
        """Free the index; with `merge`, first let running merges end."""
        if self._writer is not None and merge and not self._dirty:
            with store_failures("cannot merge the index of the last day", WHEN_WRITING):
                self._writer.wait_merging_threads()
        self.abandon()
        self._day = None
