"""The Elasticsearch store against its ceiling: TrainTicket's events by raw `_bulk` and through the store, in one run.

The ceiling sends the same documents, in bodies made beforehand, with as many requests in flight, and does not look at
the answers' items. Rounds alternate, each into indices of its own, so that both meet the same machine and the same JVM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import httpx
from real_logs import unpack_trainticket
from store import read_events

sys.path.append(str(Path(__file__).resolve().parent.parent))

from deploy.engines import Elasticsearch, Running

from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.elasticsearch.encoding import encode
from clew_collector.store.elasticsearch.names import Names, day_of
from clew_collector.store.elasticsearch.request import BulkItem, body, cut, parts
from clew_collector.store.expression import ALL
from clew_collector.store.protocol import Item, Verdict

BATCH = 10_000
FLUSH_EVERY = 50_000


def settings_of(url: str) -> ElasticsearchSettings:
    return ElasticsearchSettings(hosts=(url,), index_prefix=f"bench-{uuid4().hex[:8]}", replicas_initial=0)


async def through_the_store(events: list[Event], settings: ElasticsearchSettings) -> None:
    store = ElasticsearchStore.open(settings, account="bench")
    try:
        for first in range(0, len(events), BATCH):
            verdicts = await store.write([Item(first + 1, event) for event in events[first : first + BATCH]])
            assert verdicts.count(Verdict.CREATED) == len(verdicts)
            if (first + BATCH) % FLUSH_EVERY == 0:
                await store.flush()
        await store.flush()
        assert await store.count(ALL) == len(events)
    finally:
        await store.close()


def bodies_of(events: list[Event], settings: ElasticsearchSettings) -> list[bytes]:
    names = Names(settings.index_prefix)
    items = [BulkItem.of(names.dated(day_of(event.time)), event.event_id, encode(event)) for event in events]
    # Requests as large as the store's.
    return [
        body(part)
        for first in range(0, len(items), BATCH)
        for batch in [items[first : first + BATCH]]
        for place in parts(len(batch), at_once=settings.bulks_max)
        for part in cut(batch[place], bytes_max=settings.bulk_bytes_max)
    ]


async def raw(bodies: list[bytes], settings: ElasticsearchSettings) -> None:
    waiting = iter(bodies)
    async with httpx.AsyncClient(base_url=settings.hosts[0], timeout=120) as client:

        async def send() -> None:
            for one in waiting:
                answer = await client.post("/_bulk", content=one, headers={"content-type": "application/x-ndjson"})
                assert answer.status_code == 200
                assert b'"errors":false' in answer.content[:100]

        await asyncio.gather(*(send() for _ in range(settings.bulks_max)))
        await client.post(f"/{settings.index_prefix}-events-*/_refresh")


async def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - wall, time.process_time() - cpu


def remove(settings: ElasticsearchSettings) -> None:
    url, prefix = settings.hosts[0], settings.index_prefix
    for path in (f"{prefix}-*", f"_index_template/{prefix}-events", f"_index_template/{prefix}-state"):
        httpx.delete(f"{url}/{path}", timeout=60).raise_for_status()


async def rounds(events: list[Event], url: str, count: int) -> dict[str, float]:
    walls: dict[str, list[float]] = {"store": [], "raw": []}
    cpu = 0.0
    payload = 0
    for number in range(count + 1):
        for kind in ("raw", "store") if number % 2 else ("store", "raw"):
            settings = settings_of(url)
            if kind == "raw":
                store = ElasticsearchStore.open(settings)
                await store.prepare()
                await store.close()
                bodies = bodies_of(events, settings)
                payload = sum(map(len, bodies))
                wall, _ = await timed(lambda bodies=bodies, settings=settings: raw(bodies, settings))  # type: ignore[misc]
                del bodies
            else:
                wall, used = await timed(lambda settings=settings: through_the_store(events, settings))  # type: ignore[misc]
                cpu += used if number else 0
            await asyncio.to_thread(remove, settings)
            if number:  # the first round warms the JVM up
                walls[kind].append(wall)
    store_s, raw_s = min(walls["store"]), min(walls["raw"])
    return {
        "events": len(events),
        "rounds": count,
        "payload_bytes_per_event": round(payload / len(events)),
        "store_events_per_s": round(len(events) / store_s),
        "raw_bulk_events_per_s": round(len(events) / raw_s),
        "ratio": round(raw_s / store_s, 3),
        "store_cpu_us_per_event": round(1e6 * cpu / count / len(events), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        events = read_events(unpack_trainticket(Path(folder)))[: arguments.events]
    running = Running.found().elasticsearch
    with tempfile.TemporaryDirectory(prefix="clew-bench-", ignore_cleanup_errors=True) as folder:
        node = running or Elasticsearch.start(Path(folder))
        try:
            print(json.dumps(asyncio.run(rounds(events, node.url, arguments.rounds)), indent=2))
        finally:
            if running is None:
                node.stop()


if __name__ == "__main__":
    main()
