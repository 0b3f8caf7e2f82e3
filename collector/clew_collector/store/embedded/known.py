"""Which events a store has already, at the price of one comparison for a line that follows its file's last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .day import DaySnapshot

__all__ = ["KnownEvents"]

FILES_MAX = 65_536
"""Files whose last event is remembered; with more, they are looked up again."""


class KnownEvents:
    """Remembers the last event of each file. An id behind it is new; one before it, which is rare, is looked up."""

    def __init__(self, snapshots: Callable[[], Sequence[DaySnapshot]]) -> None:
        self._snapshots = snapshots
        self._last: dict[str, str] = {}
        self._unflushed: set[str] = set()

    def add(self, event_id: str) -> bool:
        """Return whether the event is new; from now on it is known."""
        file = event_id[:20]
        last = self._last.get(file)
        if last is None:
            last = self._look_up(file)
        if event_id > last:
            self._last[file] = event_id
        elif event_id in self._unflushed or any(day.get(event_id) for day in self._snapshots()):
            return False
        self._unflushed.add(event_id)
        return True

    def flushed(self) -> None:
        """Note that all that was added can now be looked up."""
        self._unflushed.clear()

    def forget(self) -> None:
        """Note that what was added since the last flush is not there."""
        self._unflushed.clear()
        self._last.clear()

    def _look_up(self, file: str) -> str:
        if len(self._last) >= FILES_MAX:
            self._last.clear()
        ids = [*(day.last_event_id(file) for day in self._snapshots())]
        # A file may be forgotten here while lines of it wait for the flush.
        ids += [event_id for event_id in self._unflushed if event_id[:20] == file]
        return max(ids, default="")
