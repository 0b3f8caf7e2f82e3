"""Search: events, their histogram, facets, and what stands around one in its file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from clew_collector.store.expression import And, Range
from clew_collector.store.protocol import SearchRequest, Store
from clew_query.backend import Backend
from clew_query.errors import BadRequest, NotFound
from clew_query.lucene.fields import Kind, find_field
from clew_query.times import format_time
from clew_query.view import event_json

from .answer import ERRORS, answer, answer_events
from .cursors import read_cursor, write_cursor
from .intervals import choose_interval
from .parameters import Asked, AskedRange, Limit, Order
from .surrounding import SURROUNDING_MAX, lines_after, lines_before

__all__ = ["events_router"]

BUCKETS_MAX = 1000
_FACETED = frozenset({Kind.KEYWORD, Kind.ATTRIBUTE, Kind.ID})

EventId = Annotated[str, Path(description="32 hexadecimal digits")]
Around = Annotated[int, Query(ge=0, le=SURROUNDING_MAX, description="How many lines of the same file")]


def events_router(backend: Backend) -> APIRouter:
    """Return the routes under /events."""
    router = APIRouter(prefix="/events", tags=["events"], responses=ERRORS)
    store = backend.store

    @router.get("", summary="Events that match, page by page")
    async def search(
        asked: AskedRange,
        limit: Limit = 100,
        order: Order = "desc",
        cursor: Annotated[str | None, Query(description="The last page's cursor: go on behind it")] = None,
    ) -> Response:
        after = read_cursor(cursor, query=asked.query, order=order)
        page = await store.search(
            SearchRequest(asked.expression, asked.start, asked.end, order=order, limit=limit, after=after)
        )
        shown = {
            "total": page.total,
            "returned": len(page.events),
            "truncated": page.cursor is not None,
            "cursor": write_cursor(page.cursor, query=asked.query, order=order),
        }
        return await answer_events(
            lambda: {"events": [event_json(event) for event in page.events], **shown}, events=len(page.events)
        )

    @router.get("/histogram", summary="How many events match in each interval, by severity")
    async def histogram(
        asked: AskedRange,
        buckets: Annotated[int, Query(ge=1, le=BUCKETS_MAX, description="How many intervals at most")] = 60,
    ) -> Response:
        return answer(await _histogram(store, asked, buckets))

    @router.get("/facets", summary="A field's most frequent values among the events that match")
    async def facets(
        asked: AskedRange,
        field: Annotated[str, Query(description="A keyword field (`service`, `host`...) or an attribute")],
        limit: Annotated[int, Query(ge=1, le=1000, description="How many values at most")] = 10,
    ) -> Response:
        found = find_field(field)
        if found.name is None or found.kind not in _FACETED:
            raise BadRequest(
                f"field: `{field}` has no facets", hint="service, host, severity_text, or an attribute have"
            )
        bounds = {"start": asked.start, "end": asked.end}
        values = await store.facet(asked.expression, found.name, limit=limit, **bounds)
        total = await store.count(asked.expression, **bounds)
        return answer(
            {"field": found.name, "values": [{"value": v.value, "count": v.count} for v in values], "total": total}
        )

    @router.get("/{event_id}/surrounding", summary="The lines before and after an event in its file")
    async def surrounding(event_id: EventId, before: Around = 20, after: Around = 20) -> Response:
        event = await store.get(event_id.lower())
        if event is None:
            raise NotFound(f"there is no event {event_id}")
        earlier = await lines_before(store, event, before)
        later = await lines_after(store, event, after)
        return answer(
            {
                "event": event_json(event),
                "before": [event_json(line) for line in earlier],
                "after": [event_json(line) for line in later],
            }
        )

    return router


async def _histogram(store: Store, asked: Asked, buckets: int) -> dict[str, Any]:
    bounds = await store.time_bounds() if asked.start is None or asked.end is None else (0, 0)
    if bounds is None:
        return {"from": None, "to": None, "interval_ns": 0, "total": 0, "buckets": []}
    start = bounds[0] if asked.start is None else asked.start
    end = max(start, bounds[1] + 1 if asked.end is None else asked.end)
    interval = choose_interval(start, end, buckets)
    first = start - start % interval
    # The first bucket begins at a round time, before the range: what lies there is not asked for.
    expression = And((asked.expression, Range("time", low=start))) if first < start else asked.expression
    found = {
        bucket.start: bucket.counts
        for bucket in await store.histogram(expression, start=first, end=end, interval=interval)
    }
    shown = [
        {"start": format_time(at), "total": sum((counts := found.get(at, {})).values()), "counts": counts}
        for at in range(first, end, interval)
    ]
    return {
        "from": format_time(start),
        "to": format_time(end),
        "interval_ns": interval,
        "total": sum(bucket["total"] for bucket in shown),
        "buckets": shown,
    }
