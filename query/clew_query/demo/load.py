"""The load: a few hundred orders, the same ones for the same seed. Some pay with a card whose issuer is down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from clew_query.demo.services import UNREACHABLE_CARD_ENDING

__all__ = ["FAILING_SHARE", "Customer", "Shot", "draw_customers", "run_load"]

FAILING_SHARE = 0.15
SOLD_OUT_SHARE = 0.03
CONCURRENCY_MAX = 8
REQUESTS_PER_S = 60
REQUEST_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Customer:
    """One request: its id, and what is ordered."""

    request_id: str
    sku: str
    quantity: int
    amount: float
    card: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A request that was sent."""

    request_id: str
    status: int
    """0 where there was no answer."""


def draw_customers(requests: int, seed: int) -> list[Customer]:
    """Return the requests of a load: a fixed share of them fails deep inside, another finds the shelf empty."""
    rng = random.Random(seed)
    failing = round(requests * FAILING_SHARE)
    sold_out = round(requests * SOLD_OUT_SHARE)
    customers = [
        Customer(
            request_id=f"req-{rng.getrandbits(48):012x}",
            sku="moon-dust" if failing <= i < failing + sold_out else rng.choice(["tea", "coffee", "cocoa"]),
            quantity=rng.randint(1, 3),
            amount=round(rng.uniform(3, 90), 2),
            card=f"4000{rng.randrange(10**8):08d}{UNREACHABLE_CARD_ENDING if i < failing else '4242'}",
        )
        for i in range(requests)
    ]
    rng.shuffle(customers)
    return customers


async def run_load(url: str, customers: list[Customer], *, progress: Callable[[], None]) -> list[Shot]:
    """Send the requests to the gateway as customers come, one after the other; return the answers in that order."""
    turn = asyncio.Semaphore(CONCURRENCY_MAX)
    async with httpx.AsyncClient(base_url=url, timeout=REQUEST_TIMEOUT_S, trust_env=False) as client:

        async def shoot(number: int, customer: Customer) -> Shot:
            await asyncio.sleep(number / REQUESTS_PER_S)
            order = {
                "sku": customer.sku,
                "quantity": customer.quantity,
                "amount": customer.amount,
                "card": customer.card,
            }
            async with turn:
                try:
                    answer = await client.post("/checkout", json=order, headers={"X-Request-ID": customer.request_id})
                    status = answer.status_code
                except httpx.TransportError:
                    status = 0
            progress()
            return Shot(customer.request_id, status)

        return list(await asyncio.gather(*(shoot(number, customer) for number, customer in enumerate(customers))))
