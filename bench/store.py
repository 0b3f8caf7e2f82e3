"""The store against its ceiling: TrainTicket's events into tantivy alone and through `EmbeddedStore`, in one run.

The ceiling takes the same documents, ready as dicts, in batches of the same size: `Document.from_dict`, `add_document`,
`commit`. Both end with a commit of everything and without waiting for merges.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import tantivy
from real_logs import unpack_trainticket

from clew_agent.stamp.build import build_chunk
from clew_agent.stamp.settings import StampSettings
from clew_agent.stamp.stamper import Stamper
from clew_agent.wire import Source, file_id
from clew_collector.event import Event
from clew_collector.normalise import Normaliser
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.embedded.document import document_fields
from clew_collector.store.embedded.schema import SCHEMA, register_tokens
from clew_collector.store.embedded.store import HEAP_BYTES, WRITER_THREADS
from clew_collector.store.expression import ALL, Term
from clew_collector.store.protocol import Item, SearchRequest

BATCH = 2_000
FLUSH_EVERY = 20_000
TRACES = 1_000
OBSERVED_NS = 1_675_036_800_000_000_000


def read_events(folder: Path) -> list[Event]:
    """Return every line as the collector would make it."""
    stamper, normaliser = Stamper(StampSettings()), Normaliser()
    events: list[Event] = []
    for number, file in enumerate(sorted((folder / "hosts").glob("*/*.log"))):
        payload = file.read_bytes()
        first = payload[: payload.find(b"\n") + 1]
        source = Source(
            file_id=file_id(host=file.parent.name, device=1, inode=number, generation=0, first_line=first),
            path=str(file.relative_to(folder)),
            host=file.parent.name,
            service=file.name.split("-2")[0],
        )
        start = 0
        while start < len(payload):
            end = payload.rfind(b"\n", start, start + (1 << 20)) + 1 or len(payload)
            chunk = build_chunk(
                source, observed_ns=OBSERVED_NS, start=start, payload=payload[start:end], stamper=stamper
            )
            events += normaliser.events(chunk)
            start = end
    return events


class Stretch:
    """Wall and CPU time of the whole process, native threads included, from now on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def figures(self, documents: int, directory: Path) -> dict[str, float]:
        wall, cpu = time.monotonic() - self._wall, time.process_time() - self._cpu
        disk = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        return {
            "docs_per_s": round(documents / wall),
            "cpu_us_per_event": round(cpu / documents * 1e6, 1),
            "disk_bytes_per_event": round(disk / documents, 1),
        }


def batches(count: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + BATCH, count)) for start in range(0, count, BATCH))


def raw_ceiling(events: list[Event], directory: Path) -> dict[str, float]:
    """Tantivy alone, on dicts made before."""
    documents = [document_fields(1 + i // BATCH, event) for i, event in enumerate(events)]
    stretch = Stretch()
    index = tantivy.Index(SCHEMA, path=str(directory))
    register_tokens(index)
    writer = index.writer(HEAP_BYTES, WRITER_THREADS)
    from_dict, add = tantivy.Document.from_dict, writer.add_document
    for start, end in batches(len(documents)):
        for fields in documents[start:end]:
            add(from_dict(fields, SCHEMA))
        if end % FLUSH_EVERY == 0:
            writer.commit()
    writer.commit()
    return stretch.figures(len(documents), directory)


async def through_the_store(events: list[Event], directory: Path) -> dict[str, float]:
    """Write the same events through the store's protocol."""
    items = [Item(1 + i // BATCH, event) for i, event in enumerate(events)]
    stretch = Stretch()
    store = EmbeddedStore.open(directory, writable=True)
    for start, end in batches(len(items)):
        await store.write(items[start:end])
        if end % FLUSH_EVERY == 0:
            await store.flush()
    await store.flush()
    figures = stretch.figures(len(items), directory)
    assert await store.count(ALL) == len(items)
    await store.close()
    return figures


async def traces(events: list[Event], directory: Path) -> dict[str, float]:
    """Milliseconds to find a transaction by its id with all its lines, decoded."""
    ids = sorted({event.transaction_id for event in events if event.transaction_origin != "generated"})
    store = EmbeddedStore.open(directory, writable=False)
    taken, lines = [], 0
    for i in range(0, len(ids), max(1, len(ids) // TRACES)):
        started = time.monotonic()
        page = await store.search(SearchRequest(Term("ids", ids[i]), order="asc", limit=10_000))
        taken.append(1000 * (time.monotonic() - started))
        lines += page.total
    await store.close()
    taken.sort()
    return {
        "asked": len(taken),
        "lines_each": round(lines / len(taken), 1),
        "p50_ms": round(taken[len(taken) // 2], 2),
        "p99_ms": round(taken[int(len(taken) * 0.99)], 2),
        "max_ms": round(taken[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="unpacked TrainTicket (hosts/...), else the archive is unpacked")
    parser.add_argument("--runs", type=int, default=2, help="the last run is printed; the first warms up")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        events = read_events(arguments.folder or unpack_trainticket(scratch / "logs"))
        report: dict[str, object] = {"events": len(events)}
        for run in range(arguments.runs):
            raw, store = scratch / f"raw{run}", scratch / f"store{run}"
            raw.mkdir()
            ceiling = raw_ceiling(events, raw)
            ours = asyncio.run(through_the_store(events, store))
            report |= {
                "tantivy_alone": ceiling,
                "embedded_store": ours,
                "ratio": round(ours["docs_per_s"] / ceiling["docs_per_s"], 2),
                "trace_by_id": asyncio.run(traces(events, store)),
            }
        print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
