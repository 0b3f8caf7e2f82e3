"""Made-up events, a store that has them, and a client of the API over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from clew_agent.wire import event_id
from clew_collector.event import Event
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item
from clew_query.api import create_app
from clew_query.backend import Backend

SECOND = 1_000_000_000
START = 1_674_981_000 * SECOND  # 2023-01-29T08:30:00Z
FILE = bytes(range(10))
LENGTH = 10


def event(n: int, *, file: bytes = FILE, time: int | None = None, **fields: Any) -> Event:
    """The n-th line of a file whose lines take ten bytes each, one a second."""
    place = event_id(file, n * LENGTH)
    defaults: dict[str, Any] = {
        "event_id": place,
        "timestamp": START + n * SECOND if time is None else time,
        "observed_timestamp": START + n * SECOND + 5,
        "severity_number": 9,
        "severity_text": "INFO",
        "service": "orders",
        "host": "h1",
        "source": "/var/log/orders.log",
        "offset": n * LENGTH,
        "length": LENGTH,
        "transaction_id": place,
        "transaction_origin": "generated",
        "body": f"line {n}",
        "original": f"line {n}".encode(),
    }
    return Event(**{**defaults, **fields})


async def write(store: MemoryStore, events: Iterable[Event]) -> None:
    """Write and flush, each event at a position of its own."""
    position = await store.position()
    await store.write([Item(position + i, e) for i, e in enumerate(events, 1)])
    await store.flush()


async def store_of(*events: Event) -> MemoryStore:
    store = MemoryStore()
    await write(store, events)
    return store


@asynccontextmanager
async def asking(backend: Backend, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API over the backend, in this process."""
    transport = httpx.ASGITransport(create_app(backend, page=False, **options), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://clew") as client:
        yield client
