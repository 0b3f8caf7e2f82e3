"""The names of indices, and where an event belongs. Pure.

PREFIX-events-2026.11.24           lines whose own time lies on that day
PREFIX-events-undated-2026.11.24   lines without a usable time of their own, by the day their block was first met on
PREFIX-state-blocks                which day that was, for each block (a mebibyte of a file)
PREFIX-state-positions             how far which log was read
PREFIX-state-transactions          a summary of each transaction
See docs/adr/0009-elasticsearch-store.md.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from clew_collector.event import Event

__all__ = ["DATED_FROM", "DATED_TO", "DAY_NS", "Names", "begin_of", "block_of", "day_of", "has_day"]

DAY_NS = 86_400 * 10**9
DATED_FROM = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 10**9
DATED_TO = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 10**9
_EPOCH = date(1970, 1, 1).toordinal()
_BLOCK_DIGITS = 27
"""Of an event id's 32: the file's 20, and the offset's but for its last 20 bits."""
DAYS_NAMED_MAX = 31
"""A range over more days is asked of all indices: each of them knows at once that it has nothing."""


def has_day(event: Event) -> bool:
    """Return whether the line's own time says its day; a clock at 1970 would make an index for each of its days."""
    return event.timestamp is not None and DATED_FROM <= event.timestamp < DATED_TO


def day_of(time: int) -> str:
    """Return the UTC day of a time (ns), `2026.11.24`; one that is far off counts as the nearest that is not."""
    return _text_of(min(max(time, DATED_FROM), DATED_TO - 1) // DAY_NS)


def begin_of(day: date) -> int:
    """Return when a day begins (ns)."""
    return (day.toordinal() - _EPOCH) * DAY_NS


@lru_cache(maxsize=1024)
def _text_of(day: int) -> str:
    return date.fromordinal(_EPOCH + day).strftime("%Y.%m.%d")


def block_of(event_id: str) -> str:
    """Return the block of a file in which a line begins: the same however often it is read."""
    return event_id[:_BLOCK_DIGITS]


class Names:
    """The names that follow from a prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.events_template = f"{prefix}-events"
        self.state_template = f"{prefix}-state"
        self.all_events = f"{prefix}-events-*"
        self.all_state = f"{prefix}-state-*"
        self.blocks = f"{prefix}-state-blocks"
        self.positions = f"{prefix}-state-positions"
        self.transactions = f"{prefix}-state-transactions"
        self._events = f"{prefix}-events-"
        self._undated = f"{prefix}-events-undated-"

    def dated(self, day: str) -> str:
        """Return the index of lines that say this day."""
        return self._events + day

    def said_by(self, event: Event) -> str | None:
        """Return the index of the day that the line itself says; None if it says no usable one."""
        return self._events + day_of(event.timestamp or 0) if has_day(event) else None

    def day_name(self, index: str) -> str:
        """Return what tells an index of events from all others: a day, or `undated-` and one."""
        return index.removeprefix(self._events)

    def of_day_name(self, name: str) -> str:
        """Return the index of such a name."""
        return self._events + name

    def undated(self, day: str) -> str:
        """Return the index of lines that say no day, whose block was first met on this one."""
        return self._undated + day

    def is_undated(self, index: str) -> bool:
        """Return whether the index has lines that say no day."""
        return index.startswith(self._undated)

    def undated_day(self, index: str) -> str:
        """Return the day of an index of lines that say none, as `undated` takes it."""
        return index.removeprefix(self._undated)

    def day(self, index: str) -> date | None:
        """Return the day that the index of events is named by, None if it is none of ours."""
        text = index.removeprefix(self._undated).removeprefix(self._events)
        try:
            return datetime.strptime(text, "%Y.%m.%d").replace(tzinfo=UTC).date() if text != index else None
        except ValueError:
            return None

    def within(self, start: int | None, end: int | None) -> str:
        """Return the indices, as a path, that can hold events of `start` <= time < `end`."""
        if start is None or end is None or end - start > DAYS_NAMED_MAX * DAY_NS:
            return self.all_events
        first, last = max(start, DATED_FROM), min(end - 1, DATED_TO - 1)
        days = range(first // DAY_NS, last // DAY_NS + 1) if first <= last else range(0)
        dated = [self.dated(day_of(day * DAY_NS)) for day in days]
        return ",".join([*dated, f"{self._undated}*"])

    def around(self, day: str, days: int) -> list[str]:
        """Return the indices of dated lines within so many days of this one."""
        middle = datetime.strptime(day, "%Y.%m.%d").replace(tzinfo=UTC).date()
        return [self.dated((middle + timedelta(days=step)).strftime("%Y.%m.%d")) for step in range(-days, days + 1)]
