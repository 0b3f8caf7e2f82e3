"""Services: who writes, how much of it are errors, where and since when."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from clew_collector.event import Severity
from clew_collector.store.expression import And, Expression, Range, Term
from clew_collector.store.protocol import FacetValue, SearchRequest, Store
from clew_query.backend import Backend
from clew_query.times import format_time

from .answer import ERRORS, answer
from .parameters import Asked, AskedRange

__all__ = ["services_router"]

SERVICES_MAX = 1000
HOSTS_MAX = 1000
ASKED_AT_ONCE = 8
_ERRORS = Range("severity_number", low=int(Severity.ERROR))


def services_router(backend: Backend) -> APIRouter:
    """Return the route /services."""
    router = APIRouter(tags=["services"], responses=ERRORS)

    @router.get("/services", summary="Every service that wrote in the range")
    async def services(asked: AskedRange) -> Response:
        return answer(await _services(backend.store, asked))

    return router


async def _services(store: Store, asked: Asked) -> dict[str, Any]:
    bounds = {"start": asked.start, "end": asked.end}
    found = await store.facet(asked.expression, "service", limit=SERVICES_MAX + 1, **bounds)
    failing = await store.facet(And((asked.expression, _ERRORS)), "service", limit=SERVICES_MAX, **bounds)
    errors = {value.value: value.count for value in failing}
    turn = asyncio.Semaphore(ASKED_AT_ONCE)

    async def describe(service: FacetValue) -> dict[str, Any]:
        async with turn:
            expression = And((asked.expression, Term("service", service.value)))
            hosts = await store.facet(expression, "host", limit=HOSTS_MAX, **bounds)
            return {
                "service": service.value,
                "events": service.count,
                "errors": errors.get(service.value, 0),
                "hosts": sorted(host.value for host in hosts),
                "first": await _outermost(store, expression, asked, "asc"),
                "last": await _outermost(store, expression, asked, "desc"),
            }

    described = await asyncio.gather(*(describe(service) for service in found[:SERVICES_MAX]))
    return {
        "services": sorted(described, key=lambda service: service["service"]),
        "truncated": len(found) > SERVICES_MAX,
    }


async def _outermost(store: Store, expression: Expression, asked: Asked, order: Any) -> str | None:
    page = await store.search(SearchRequest(expression, asked.start, asked.end, order=order, limit=1))
    return format_time(page.events[0].time) if page.events else None
