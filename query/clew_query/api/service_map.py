"""The service map: who calls whom in a range of time, with what it cost."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from clew_query.backend import Backend
from clew_query.service_map import EdgeKey, EdgeStatistics, MapKeeper, ServiceMap
from clew_query.times import format_time

from .answer import ERRORS, answer
from .parameters import asked_range

__all__ = ["service_map_router"]


def service_map_router(backend: Backend) -> APIRouter:
    """Return the route /services/map."""
    router = APIRouter(tags=["services"], responses=ERRORS)
    keeper = MapKeeper(backend.store, inference=backend.paths)

    @router.get("/services/map", summary="Who calls whom: calls, errors, latency, and how much of it is inferred")
    async def service_map(bounds: Annotated[tuple[int | None, int | None], Depends(asked_range)]) -> Response:
        known = await backend.store.time_bounds()
        if known is None:
            return answer(_nothing())
        end = min(known[1] + 1, bounds[1]) if bounds[1] is not None else known[1] + 1
        start = max(bounds[0], known[0]) if bounds[0] is not None else known[0]
        if start >= end:
            return answer(_nothing())
        return answer(_shown(await keeper.read(start, end)))

    return router


def _nothing() -> dict[str, Any]:
    return {"from": None, "to": None, "lines": 0, "transactions": 0, "looked_at": 0, "minutes": 0, "pending": 0,
            "nodes": [], "edges": []}  # fmt: skip


def _shown(found: ServiceMap) -> dict[str, Any]:
    statistics = found.statistics
    return {
        "from": format_time(found.start),
        "to": format_time(found.end),
        "lines": found.lines,
        "transactions": statistics.transactions,
        "looked_at": statistics.lines,
        "minutes": found.minutes,
        "pending": found.pending,
        "nodes": [
            {
                "service": service,
                "invocations": node.invocations,
                "errors": node.errors,
                "self_time_ns": node.self_time,
                "heard": node.heard,
            }
            for service, node in sorted(statistics.nodes.items())
        ],
        "edges": [_edge(key, edge) for key, edge in sorted(statistics.edges.items(), key=_place)],
    }


def _place(item: tuple[EdgeKey, EdgeStatistics]) -> tuple[str, str, str]:
    return item[0].caller or "", item[0].callee, item[0].kind


def _edge(key: EdgeKey, edge: EdgeStatistics) -> dict[str, Any]:
    return {
        "from": key.caller,
        "to": key.callee,
        "kind": key.kind,
        "calls": edge.calls,
        "errors": edge.errors,
        "inferred": edge.inferred,
        "inferred_share": round(edge.inferred / edge.calls, 4),
        "probability": round(1 - edge.doubt / edge.inferred, 4) if edge.inferred else 1.0,
        "p50_ns": edge.latency.quantile(0.5),
        "p95_ns": edge.latency.quantile(0.95),
        "p99_ns": edge.latency.quantile(0.99),
    }
