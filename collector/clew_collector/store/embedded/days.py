"""Which indices a store has, and what their last commits hold."""

from __future__ import annotations

import threading
from pathlib import Path

from .day import Day, DaySnapshot, day_directories, has_index, open_day
from .failure import store_failures

__all__ = ["Days"]


class Days:
    """The open indices of a directory, newest last.

    A writable store's change only by `publish`. A reader of another process's store looks before each question whether
    a commit happened or a day began.
    """

    def __init__(self, directory: Path, *, writable: bool) -> None:
        """Open every index there is; StoreError if one is damaged."""
        self._directory = directory
        self._follow = not writable
        self._lock = threading.Lock()
        self._seen: dict[Path, tuple[int, int]] = {}
        self._days: dict[Path, Day] = {}
        self._snapshots: dict[Path, DaySnapshot] = {}
        self._look()

    def current(self) -> tuple[DaySnapshot, ...]:
        """Return what is committed, oldest day first."""
        with self._lock:
            if self._follow:
                self._look()
            return tuple(self._snapshots[path] for path in sorted(self._snapshots))

    def publish(self, day: Day) -> None:
        """Show what a day's index has committed."""
        snapshot = day.snapshot()
        with self._lock:
            self._days[day.directory] = day
            self._snapshots[day.directory] = snapshot

    def close(self) -> None:
        """Let go of every index."""
        with self._lock:
            self._days.clear()
            self._snapshots.clear()

    def _look(self) -> None:
        with store_failures(f"cannot read the store {self._directory}"):
            paths = [path for path in day_directories(self._directory) if has_index(path)]
            for gone in self._days.keys() - set(paths):
                del self._days[gone], self._snapshots[gone], self._seen[gone]
            for path in paths:
                head = (path / "meta.json").stat()
                commit = (head.st_mtime_ns, head.st_ino)
                if self._seen.get(path) == commit:
                    continue
                if path not in self._days:
                    self._days[path] = open_day(path)
                self._snapshots[path] = self._days[path].snapshot()
                self._seen[path] = commit
