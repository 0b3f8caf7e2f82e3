"""Health for those who run it: alive, ready, and the metrics in Prometheus' format."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from clew_query.backend import Backend

from .answer import answer

__all__ = ["health_router"]


def health_router(backend: Backend) -> APIRouter:
    """Return the routes /healthz, /readyz and /metrics."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="200 while the process lives")
    async def alive() -> Response:
        return answer({"status": "ok"})

    @router.get("/readyz", summary="200 when it can answer, else 503 with the reasons")
    async def ready() -> Response:
        problems = list(await backend.problems())
        return answer(
            {"status": "not ready" if problems else "ok", "problems": problems}, status=503 if problems else 200
        )

    @router.get("/metrics", summary="Metrics in Prometheus' text format")
    async def metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
