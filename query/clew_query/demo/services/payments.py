"""Payments: an old service that logs as logback does and knows no trace, only the X-Request-ID that it is given.

Whoever calls it logs that id beside the trace id; so Clew knows that both are one request.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from clew_query.demo.services import UNREACHABLE_CARD_ENDING
from clew_query.demo.services.serving import serve
from clew_query.demo.services.tracing import TraceRequests, request_id

ATTEMPTS_MAX = 2
ISSUER_ANSWERS_AFTER_S = 0.005


class AddRequestId(logging.Filter):
    """Gives each record the id of its request, as logback's MDC does."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.request_id = request_id()
        return True


# logback: %d{yyyy-MM-dd HH:mm:ss.SSS} %-5level [%thread] %logger - [X-Request-ID=%X{requestId}] %msg%n
PATTERN = (
    "%(asctime)s.%(msecs)03d %(levelname)-5s [%(threadName)s] %(name)s - [X-Request-ID=%(request_id)s] %(message)s"
)
handler = logging.StreamHandler(sys.stdout)
handler.addFilter(AddRequestId())
handler.setFormatter(logging.Formatter(PATTERN, datefmt="%Y-%m-%d %H:%M:%S"))
logging.addLevelName(logging.WARNING, "WARN")
root = logging.getLogger("c.e.p")
root.addHandler(handler)
root.setLevel(logging.INFO)
endpoint, processor = root.getChild("PaymentResource"), root.getChild("CardProcessor")

app = FastAPI()
app.add_middleware(TraceRequests)


class Bill(BaseModel):
    """What an order costs, and the card to charge."""

    order: str
    amount: float
    card: str


class IssuerUnavailable(Exception):
    """The bank that issued the card gives no answer."""


@app.post("/payments", status_code=201)
async def pay(bill: Bill) -> dict[str, str]:
    """Charge the card; 502 when its issuer cannot be reached."""
    endpoint.info("Payment of %.2f for order %s requested", bill.amount, bill.order)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            authorisation = await charge(bill)
        except IssuerUnavailable as error:
            processor.error("Attempt %d of %d for order %s failed: %s", attempt, ATTEMPTS_MAX, bill.order, error)
        else:
            endpoint.info("Payment for order %s authorised as %s", bill.order, authorisation)
            return {"authorisation": authorisation}
    endpoint.error("Payment for order %s given up after %d attempts", bill.order, ATTEMPTS_MAX)
    raise HTTPException(502, "the card issuer cannot be reached")


async def charge(bill: Bill) -> str:
    """Ask the issuer, and return its authorisation."""
    processor.info("Charging card ending in %s", bill.card[-4:])
    await asyncio.sleep(ISSUER_ANSWERS_AFTER_S)
    if bill.card.endswith(UNREACHABLE_CARD_ENDING):
        raise IssuerUnavailable("card issuer gw-3 gave no answer (SSL handshake timed out)")
    return f"auth-{bill.order}"


if __name__ == "__main__":
    serve(app)
