"""The lines around an event in its file: by place in the file, whatever times the lines say.

An event id is file and offset, so the lines of a stretch of the file are a range of event ids. How many lines a
stretch has is not known before it is asked for: it grows until it has enough.
"""

from __future__ import annotations

from typing import Literal

from clew_agent.wire import event_id
from clew_collector.event import Event
from clew_collector.store.expression import And, Exists, Not, Range, Term
from clew_collector.store.protocol import LIMIT_MAX, Cursor, SearchRequest, Store

__all__ = ["SURROUNDING_MAX", "lines_after", "lines_before"]

SURROUNDING_MAX = 1000
FIRST_REACH_BYTES = 16 << 10
GROWTH = 8
OFFSET_MAX = (1 << 48) - 1


async def lines_before(store: Store, event: Event, count: int) -> list[Event]:
    """Return up to `count` lines that stand nearest before the event, in file order.

    An event that came from no file has its writer's others around it, in order of time.
    """
    if not event.file_id:
        return (await _written_around(store, event, count, "desc"))[::-1]
    wanted = min(count, await store.count(_stretch(event, 0, event.offset)))
    reach = _Reach()
    while wanted:
        page = await store.search(
            SearchRequest(_stretch(event, max(event.offset - reach.bytes, 0), event.offset), limit=LIMIT_MAX)
        )
        if reach.fits(page.total, wanted):
            return sorted(page.events, key=_offset)[-wanted:]
    return []


async def lines_after(store: Store, event: Event, count: int) -> list[Event]:
    """Return up to `count` lines that stand nearest behind the event, as `lines_before`."""
    if not event.file_id:
        return await _written_around(store, event, count, "asc")
    begin = event.offset + event.length
    wanted = min(count, await store.count(_stretch(event, begin, OFFSET_MAX)))
    reach = _Reach()
    while wanted:
        page = await store.search(
            SearchRequest(_stretch(event, begin, min(begin + reach.bytes, OFFSET_MAX)), limit=LIMIT_MAX)
        )
        if reach.fits(page.total, wanted):
            return sorted(page.events, key=_offset)[:wanted]
    return []


async def _written_around(store: Store, event: Event, count: int, order: Literal["asc", "desc"]) -> list[Event]:
    writer = [Term(name, value) for name in ("service", "instance", "host") if (value := getattr(event, name))]
    place = Cursor(event.time, event.event_id)
    request = SearchRequest(And((Not(Exists("source")), *writer)), order=order, limit=count, after=place)
    return list((await store.search(request)).events) if count else []


class _Reach:
    """How far to look, in bytes: grows while too few lines are found, and is halved between when too many are.

    A byte more is at most a line more, so between too few and too many there is a reach that fits.
    """

    def __init__(self) -> None:
        self.bytes = FIRST_REACH_BYTES
        self._too_near = 0
        self._too_far: int | None = None

    def fits(self, found: int, wanted: int) -> bool:
        """Return whether so many lines are enough and not too many for a page; if not, the next reach is set."""
        if wanted <= found <= LIMIT_MAX or self._exhausted:
            return True
        if found > LIMIT_MAX:
            self._too_far = self.bytes
        else:
            self._too_near = self.bytes
        self.bytes = self.bytes * GROWTH if self._too_far is None else (self._too_near + self._too_far) // 2
        return False

    @property
    def _exhausted(self) -> bool:
        # The lines were counted before; should they have become fewer, the search for them ends all the same.
        return self.bytes > OFFSET_MAX or (self._too_far is not None and self._too_far - self._too_near <= 1)


def _offset(event: Event) -> int:
    return event.offset


def _stretch(event: Event, low: int, high: int) -> Range:
    file = bytes.fromhex(event.file_id)
    return Range("event_id", event_id(file, low), event_id(file, high), include_high=False)
