"""What was learned of paths: whom each service calls, how clocks differ, how much was learned from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from clew_query.backend import Backend
from clew_query.errors import NotFound
from clew_query.path.learned import Model, edges_of

from .answer import ERRORS, answer

__all__ = ["paths_router"]


def paths_router(backend: Backend) -> APIRouter:
    """Return the route /paths/model."""
    router = APIRouter(prefix="/paths", tags=["transactions"], responses=ERRORS)

    @router.get("/model", summary="What was learned of who calls whom")
    async def model() -> Response:
        learned = backend.paths.model
        if learned is None:
            raise NotFound(
                "no model of paths was learned yet",
                hint="a server learns by itself now and then; `clew path learn --data DIR` does at once",
            )
        return answer(_shown(learned))

    return router


def _shown(model: Model) -> dict[str, Any]:
    return {
        "transactions": model.transactions,
        "lines": model.lines,
        "kinds": len(model.templates) - 1,
        "learned_s": round(model.learned_s, 3),
        "loss": round(model.loss, 4),
        "calls": [
            {
                "from": edge.caller,
                "to": edge.callee,
                "calls": round(edge.calls, 1),
                "kind": "async" if edge.asynchronous else "sync",
                "first_line": edge.first_line,
            }
            for edge in edges_of(model)
        ],
        "clock": [
            {"host": host, "offset_ns": prior.offset, "uncertainty_ns": prior.uncertainty, "origin": prior.origin}
            for host, prior in sorted(model.clocks().items())
        ],
    }
