"""The lines around an event in its file: by place in the file, whatever times the lines say.

An event id is file and offset, so the lines of a stretch of the file are a range of event ids. How many lines a
stretch has is not known before it is asked for: it grows until it has enough.
"""

from __future__ import annotations

from clew_agent.wire import event_id
from clew_collector.event import Event
from clew_collector.store.expression import Range
from clew_collector.store.protocol import LIMIT_MAX, Page, SearchRequest, Store

__all__ = ["SURROUNDING_MAX", "lines_after", "lines_before"]

SURROUNDING_MAX = 1000
FIRST_REACH_BYTES = 16 << 10
GROWTH = 8
OFFSET_MAX = (1 << 48) - 1


async def lines_before(store: Store, event: Event, count: int) -> list[Event]:
    """Return up to `count` lines that stand nearest before the event, in file order."""
    reach = _Reach()
    while count:
        low = max(event.offset - reach.bytes, 0)
        page = await _stretch(store, event, low, event.offset)
        if reach.fits(page, count) or (low == 0 and page.total <= LIMIT_MAX):
            return sorted(page.events, key=_offset)[-count:]
    return []


async def lines_after(store: Store, event: Event, count: int) -> list[Event]:
    """Return up to `count` lines that stand nearest behind the event, in file order."""
    reach = _Reach()
    begin = event.offset + event.length
    while count:
        high = min(begin + reach.bytes, OFFSET_MAX)
        page = await _stretch(store, event, begin, high)
        if reach.fits(page, count) or (high == OFFSET_MAX and page.total <= LIMIT_MAX):
            return sorted(page.events, key=_offset)[:count]
    return []


class _Reach:
    """How far to look, in bytes: grows while too few lines are found, and is halved between when too many are."""

    def __init__(self) -> None:
        self.bytes = FIRST_REACH_BYTES
        self._too_near = 0
        self._too_far: int | None = None

    def fits(self, page: Page, count: int) -> bool:
        """Return whether the page has what is wanted; if not, the next reach is set."""
        if count <= page.total <= LIMIT_MAX:
            return True
        if page.total > LIMIT_MAX:
            self._too_far = self.bytes
        else:
            self._too_near = self.bytes
        if self._too_far is None:
            self.bytes *= GROWTH
        else:
            self.bytes = (self._too_near + self._too_far) // 2
        return False


def _offset(event: Event) -> int:
    return event.offset


async def _stretch(store: Store, event: Event, low: int, high: int) -> Page:
    file = bytes.fromhex(event.file_id)
    wanted = Range("event_id", event_id(file, low), event_id(file, high), include_high=False)
    return await store.search(SearchRequest(wanted, limit=LIMIT_MAX))
