"""What many events tell of one transaction, gathered in place: this runs for every line that Clew ever stores."""

from __future__ import annotations

from clew_collector.event import Event

from .summary import Summary, end_of, root_of, union

__all__ = ["Gathered"]


class Gathered:
    """The summary of the events added so far; the same as merging `summarise` of each."""

    __slots__ = ("_end", "_root", "_services", "_severity", "_start")

    def __init__(self, event: Event) -> None:
        self._start = event.time
        self._end = end_of(event)
        self._severity = event.severity_number
        self._services = {event.service} if event.service else set[str]()
        self._root = root_of(event)

    def add(self, event: Event) -> None:
        """Take a further event of the transaction."""
        at = event.timestamp
        if at is None:
            at = event.observed_timestamp
        if event.duration is not None:
            self._end = max(self._end, end_of(event))
            self._root = min(self._root, root_of(event))
        else:
            self._end = max(self._end, at)
            # Lines come mostly in order, so hardly one is earlier than the root.
            if at <= self._root.time and self._root.rank:
                self._root = min(self._root, root_of(event))
        self._start = min(self._start, at)
        self._severity = max(self._severity, event.severity_number)
        if event.service and event.service not in self._services:
            self._services.add(event.service)

    def merge(self, later: Gathered) -> None:
        """Take what others of its events told."""
        self._start, self._end = min(self._start, later._start), max(self._end, later._end)
        self._severity = max(self._severity, later._severity)
        self._services |= later._services
        self._root = min(self._root, later._root)

    def summary(self, transaction_id: str) -> Summary:
        """Return all of it."""
        return Summary(transaction_id, self._start, self._end, self._severity, union(self._services), self._root)
