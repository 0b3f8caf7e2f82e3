"""Huge transactions of spans: 10,000 through the API, 100,000, a chain of 10,000, 50,000 siblings, skewed clocks.

The ceiling of the API is what no path can save: reading the same spans from the store and writing their JSON. CPU is of
this process alone; a fixed loop beside it tells how fast the machine was meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from msgspec.structs import replace

from clew_collector.event import Event
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.expression import Term
from clew_collector.store.protocol import Item, SearchRequest
from clew_query.api import create_app
from clew_query.backend import Backend
from clew_query.garbage import collector_paused
from clew_query.path import build_path
from clew_query.view import encode_json, event_json

TRANSACTION = "ab" * 16
START = 1_700_000_000_000_000_000
SERVICES = 20
LOOPS = 2_000_000


def span(number: int, parent: int | None, service: int, when: tuple[int, int], kind: str) -> Event:
    """Return a span; `when`: its start and how long it took, ns."""
    return Event(
        event_id=f"{number:032x}",
        timestamp=START + when[0],
        observed_timestamp=START,
        service=f"service-{service}",
        host=f"host-{service}",
        source="",
        offset=0,
        length=0,
        transaction_id=TRANSACTION,
        transaction_origin="line",
        span_id=f"{number + 1:016x}",
        parent_span_id="" if parent is None else f"{parent + 1:016x}",
        duration=when[1],
        kind=kind,
        body="GET /api/v1/orders",
        attributes={"http.request.method": "GET", "http.response.status_code": 200},
    )


def bushy(count: int) -> list[Event]:
    """Return spans of all kinds, each below one of the fifty before it."""
    rng = random.Random(1)
    spans = [span(0, None, 0, (0, 10**9), "server")]
    for n in range(1, count):
        parent, service = rng.randrange(max(0, n - 50), n), rng.randrange(SERVICES)
        kind = rng.choice(["server", "client", "internal"])
        spans.append(span(n, parent, service, (n * 1000, max(1000, 10**9 - n * 1000)), kind))
    return spans


def chain(count: int) -> list[Event]:
    return [span(n, n - 1 if n else None, n % SERVICES, (n, 2 * (count - n)), "server") for n in range(count)]


def siblings(count: int) -> list[Event]:
    return [
        span(0, None, 0, (0, count), "server"),
        *(span(n, 0, 1 + n % 2, (n, 1), "server") for n in range(1, count)),
    ]


def skewed(spans: list[Event]) -> list[Event]:
    """Return the spans with every host's clock off by up to a second."""
    rng = random.Random(2)
    offsets = {f"host-{n}": rng.randrange(-(10**9), 10**9) if n else 0 for n in range(SERVICES)}
    return [replace(one, timestamp=one.time + offsets[one.host]) for one in spans]


def cpu_ms(work: Callable[[], object], times: int = 3) -> float:
    """Return the CPU of the fastest of some runs."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        with collector_paused():
            work()
        taken.append(time.process_time() - began)
    return round(min(taken) * 1e3, 1)


async def ask(count: int, times: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore.open(Path(folder), writable=True)
        try:
            await store.write([Item(n, one) for n, one in enumerate(bushy(count), 1)])
            await store.flush()
            transport = httpx.ASGITransport(create_app(Backend(store=store), page=False))
            async with httpx.AsyncClient(transport=transport, base_url="http://clew") as client:
                walls, cpus = [], []
                for _ in range(times):
                    wall, cpu = time.perf_counter(), time.process_time()
                    answer = await client.get(f"/api/v1/transactions/{TRANSACTION}", params={"limit": count})
                    walls.append((time.perf_counter() - wall) * 1e3)
                    cpus.append((time.process_time() - cpu) * 1e3)
                    assert answer.status_code == 200, answer.text
            ceiling = []
            for _ in range(times):
                cpu = time.process_time()
                page = await store.search(SearchRequest(Term("transaction_id", TRANSACTION), order="asc", limit=count))
                encode_json([event_json(event) for event in page.events])
                ceiling.append((time.process_time() - cpu) * 1e3)
        finally:
            await store.close()
    return {
        "spans": count,
        "wall_ms": {"p50": round(statistics.median(walls), 1), "max": round(max(walls), 1)},
        "cpu_ms": round(min(cpus), 1),
        "ceiling_cpu_ms": round(min(ceiling), 1),
        "answer_mib": round(len(answer.content) / 2**20, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=10_000, help="through the API")
    parser.add_argument("--times", type=int, default=7, help="how often it is asked")
    arguments = parser.parse_args()
    api = asyncio.run(ask(arguments.spans, arguments.times))
    shapes = {
        "10,000, bushy": bushy(10_000),
        "10,000, skewed clocks": skewed(bushy(10_000)),
        "10,000, a chain": chain(10_000),
        "50,000, siblings": siblings(50_000),
    }
    paths = {name: cpu_ms(lambda spans=spans: build_path(spans)) for name, spans in shapes.items()}  # type: ignore[misc]
    shapes.clear()
    huge = bushy(100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    paths["100,000, bushy"] = cpu_ms(lambda: build_path(huge), times=1)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        json.dumps(
            {
                "api": api,
                "path_cpu_ms": paths,
                "peak_mib": {"before 100,000": before, "after": after},
                "loop_cpu_ms": cpu_ms(lambda: sum(n for n in range(LOOPS))),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
