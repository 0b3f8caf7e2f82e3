"""Which events a store has already.

At the price of one comparison for a line that follows its file's last one; events from no file are looked up by their
ids, a batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clew_collector.event import Event

from .day import DaySnapshot

__all__ = ["KnownEvents"]

FILES_MAX = 65_536
"""Files whose last event is remembered; with more, they are looked up again."""
RECORD_LATE_NS = 86_400 * 10**9
"""An event from no file that says no time of its own is looked for so far before its arrival, when it comes again."""


class KnownEvents:
    """Remembers the last event of each file. An id behind it is new; one before it, which is rare, is looked up."""

    def __init__(self, snapshots: Callable[[], Sequence[DaySnapshot]]) -> None:
        self._snapshots = snapshots
        self._last: dict[str, str] = {}
        self._unflushed: set[str] = set()
        self._records: set[str] = set()

    def look_up_records(self, events: Sequence[Event]) -> None:
        """Find out which of these that came from no file are there, for the `add` of each.

        An event's time is the same however often it comes, so only days that have events of such times are asked.
        """
        self._records.clear()
        records = [event for event in events if not event.file_id]
        if not records:
            return
        ids = [event.event_id for event in records]
        times = [event.time for event in records]
        for day in self._snapshots():
            if day.overlaps(min(times) - RECORD_LATE_NS, max(times) + 1):
                self._records |= day.records_among(ids)

    def add(self, event: Event) -> bool:
        """Return whether the event is new; from now on it is known."""
        event_id, file = event.event_id, event.file_id
        if not file:
            if event_id in self._unflushed or event_id in self._records:
                return False
            self._unflushed.add(event_id)
            return True
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
