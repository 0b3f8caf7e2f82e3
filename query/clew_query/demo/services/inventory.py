"""Inventory: keeps count of the stock. Logs text by Python's own logging, with the ids in brackets."""

from __future__ import annotations

import logging
import sys

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from clew_query.demo.services.serving import serve
from clew_query.demo.services.tracing import TraceRequests, current_ids


class AddIds(logging.Filter):
    """Gives each record the ids of the request that it was written for."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.ids = " ".join(f"{name}={value}" for name, value in current_ids().items())
        return True


handler = logging.StreamHandler(sys.stdout)
handler.addFilter(AddIds())
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(ids)s] %(message)s"))
log = logging.getLogger("inventory.stock")
log.addHandler(handler)
log.setLevel(logging.INFO)

STOCK_AT_FIRST = 10_000
stock: dict[str, int] = {"tea": STOCK_AT_FIRST, "coffee": STOCK_AT_FIRST, "cocoa": STOCK_AT_FIRST, "moon-dust": 0}
reservations: dict[str, tuple[str, int]] = {}

app = FastAPI()
app.add_middleware(TraceRequests)


class Reservation(BaseModel):
    """So many pieces for an order."""

    order: str
    sku: str
    quantity: int


@app.post("/reservations", status_code=201)
async def reserve(wanted: Reservation) -> dict[str, int]:
    """Set pieces aside; 409 when there are too few."""
    left = stock.get(wanted.sku, 0) - wanted.quantity
    if left < 0:
        log.warning(
            "cannot reserve %d %s for order %s: %d left", wanted.quantity, wanted.sku, wanted.order, max(left, 0)
        )
        raise HTTPException(409, "out of stock")
    stock[wanted.sku] = left
    reservations[wanted.order] = (wanted.sku, wanted.quantity)
    log.info("reserved %d %s for order %s, %d left", wanted.quantity, wanted.sku, wanted.order, left)
    return {"left": left}


@app.delete("/reservations/{order}", status_code=204)
async def release(order: str) -> None:
    """Put pieces back."""
    sku, quantity = reservations.pop(order)
    stock[sku] += quantity
    log.info("released %d %s of order %s", quantity, sku, order)


if __name__ == "__main__":
    serve(app)
