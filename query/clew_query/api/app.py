"""The app: every route, every error in one form, every request counted."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from time import perf_counter

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clew_agent.metrics import Metrics
from clew_query.backend import Backend

from .agents import agents_router
from .alerts import alerts_router
from .answer import register_errors
from .events import events_router
from .health import health_router
from .openapi import describe
from .paths import paths_router
from .service_map import service_map_router
from .services import services_router
from .stream import stream_router
from .transactions import transactions_router

__all__ = ["create_app"]

API_PREFIX = "/api/v1"


def create_app(
    backend: Backend, *, metrics: Metrics | None = None, routers: Iterable[APIRouter] = (), page: bool = True
) -> FastAPI:
    """Return the API over a backend, with the web page unless `page` is False, and further routers (ingest)."""
    app = FastAPI(
        title="Clew",
        version=version("clew"),
        description="What happened to this request, everywhere?",
        redirect_slashes=False,
        # Their pages load scripts from elsewhere; /openapi.json is what they show.
        docs_url=None,
        redoc_url=None,
    )
    for router in (
        stream_router(backend),
        events_router(backend),
        transactions_router(backend),
        services_router(backend),
        service_map_router(backend),
        paths_router(backend),
        agents_router(backend),
        alerts_router(backend),
    ):
        app.include_router(router, prefix=API_PREFIX)
    app.include_router(health_router(backend))
    for router in routers:
        app.include_router(router)
    register_errors(app)
    if page:
        from clew_query.web import mount_web  # noqa: PLC0415 - not needed by the command line

        mount_web(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    if metrics is not None:
        app.add_middleware(CountRequests, metrics=metrics)
    return app


class CountRequests:
    """Counts API requests and their time by route, never by path: ids would make a series each."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then count it."""
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIX):
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        finally:
            # Versions of FastAPI differ in whether a route's path has its router's prefix.
            route = API_PREFIX + getattr(scope.get("route"), "path", "/none").removeprefix(API_PREFIX)
            self._metrics.count("clew_query_requests", route=route, status=str(status))
            self._metrics.observe("clew_query_duration", perf_counter() - started, route=route)
