"""Alerts and the rules that they come from."""

from __future__ import annotations

from fastapi import APIRouter, Response

from clew_query.backend import AlertsView, Backend
from clew_query.errors import Unavailable

from .answer import ERRORS, answer

__all__ = ["alerts_router"]


def alerts_router(backend: Backend) -> APIRouter:
    """Return the routes /alerts and /rules."""
    router = APIRouter(tags=["alerts"], responses=ERRORS)

    def view() -> AlertsView:
        if backend.alerts is None:
            raise Unavailable(
                "no alert rules are evaluated here", hint="ask the server that evaluates them, with --server URL"
            )
        return backend.alerts

    @router.get("/alerts", summary="Every alert, with its state and since when")
    async def alerts() -> Response:
        return answer({"alerts": await view().alerts()})

    @router.get("/rules", summary="Every rule as it was read")
    async def rules() -> Response:
        return answer({"rules": await view().rules()})

    return router
