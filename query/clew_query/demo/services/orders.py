"""Orders: reserves stock, takes the money, hands the parcel to the queue. Logs logfmt, by structlog too."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import httpx
import structlog
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel
from structlog.typing import EventDict

from clew_query.demo.services.serving import serve
from clew_query.demo.services.shipping import ship
from clew_query.demo.services.tracing import TraceRequests, current_ids, outgoing_headers, request_id


def add_ids(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put the ids of the request on the line (a structlog processor)."""
    return {**event, **current_ids(), "request_id": request_id()}


structlog.configure(
    processors=[
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.add_log_level,
        add_ids,
        structlog.processors.EventRenamer("msg"),
        structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"]),
    ],
    logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
)
log = structlog.get_logger()


class Order(BaseModel):
    """What a customer sends."""

    sku: str
    quantity: int
    amount: float
    card: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold one client to each service that is called."""
    async with AsyncExitStack() as stack:
        for name in ("inventory", "payments"):
            client = httpx.AsyncClient(base_url=os.environ[f"{name.upper()}_URL"], timeout=30, trust_env=False)
            setattr(app.state, name, await stack.enter_async_context(client))
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(TraceRequests)
numbers = count(1001)


@app.post("/orders", status_code=201)
async def place(order: Order, request: Request) -> dict[str, str]:
    """Place an order: 409 when there is too little stock, 502 when the payment fails."""
    inventory: httpx.AsyncClient = request.app.state.inventory
    payments: httpx.AsyncClient = request.app.state.payments
    number = f"A{next(numbers)}"
    log.info("order received", order=number, sku=order.sku, quantity=order.quantity, amount=order.amount)

    item = {"order": number, "sku": order.sku, "quantity": order.quantity}
    reserved = await inventory.post("/reservations", json=item, headers=outgoing_headers())
    if reserved.status_code == httpx.codes.CONFLICT:
        log.warning("order refused", order=number, reason="out of stock")
        raise HTTPException(409, "out of stock")
    log.info("stock reserved", order=number)

    bill = {"order": number, "amount": order.amount, "card": order.card}
    paid = await payments.post("/payments", json=bill, headers=outgoing_headers())
    if paid.is_error:
        log.error("payment failed", order=number, status=paid.status_code)
        await inventory.delete(f"/reservations/{number}", headers=outgoing_headers())
        raise HTTPException(502, "the payment failed")
    log.info("payment taken", order=number)

    # The ids travel in the message as they do in a request. The queue is a file: its fsync belongs on a thread.
    await asyncio.to_thread(ship, number, outgoing_headers())
    log.info("order placed", order=number, status=201)
    return {"order": number}


if __name__ == "__main__":
    serve(app)
