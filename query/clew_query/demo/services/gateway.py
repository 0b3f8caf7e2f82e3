"""The gateway, where requests come in. Logs JSON by structlog: trace, span, parent and request id on every line."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import structlog
from fastapi import FastAPI, Request, Response
from structlog.typing import EventDict

from clew_query.demo.services.serving import serve
from clew_query.demo.services.tracing import TraceRequests, current_ids, outgoing_headers, request_id


def add_ids(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put the ids of the request on the line (a structlog processor)."""
    return {**event, **current_ids(), "request_id": request_id()}


structlog.configure(
    processors=[
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        add_ids,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
)
log = structlog.get_logger()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold one client to the orders service."""
    async with httpx.AsyncClient(base_url=os.environ["ORDERS_URL"], timeout=30, trust_env=False) as client:
        app.state.orders = client
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(TraceRequests)


@app.post("/checkout")
async def checkout(request: Request) -> Response:
    """Let the orders service place the order; what goes wrong behind us is a 502."""
    log.info("checkout received", method="POST", path="/checkout")
    orders: httpx.AsyncClient = request.app.state.orders
    answer = await orders.post("/orders", json=await request.json(), headers=outgoing_headers())
    if answer.is_server_error:
        log.warning("checkout failed", status=502, upstream="orders", upstream_status=answer.status_code)
        return Response(answer.content, status_code=502, media_type="application/json")
    log.info("checkout answered", status=answer.status_code)
    return Response(answer.content, status_code=answer.status_code, media_type="application/json")


if __name__ == "__main__":
    serve(app)
