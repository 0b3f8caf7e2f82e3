"""Through Kafka: what the agent costs, what a collector costs, and how long a line takes, each beside its ceiling.

- Agent to Kafka: one big file of JSON lines over 12 partitions, MB per CPU-second, beside aiokafka given the same bytes
  in ready-made batches of 1 MiB.
- Kafka to Elasticsearch: TrainTicket, from a full topic, beside the same documents by raw `_bulk`.
- A line appended until a search finds it, agent, Kafka, collector and Elasticsearch between.

Engines that run (`make engines`) are used, else they are started. Each program is a process of its own, so that CPU and
memory are its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from agent import MIB, write_lines
from elastic import bodies_of, raw, remove, settings_of
from latency import quantiles
from processes import Watch
from real_logs import unpack_trainticket, write_config
from store import read_events

sys.path.append(str(Path(__file__).resolve().parent.parent))

from deploy.engines import Elasticsearch, Kafka, Running

from clew_agent.kafka import KafkaAddress
from clew_agent.logs import configure_logs
from clew_agent.transport.kafka.producing import open_producer
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.log.kafka.topics import ensure_topics
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.expression import ALL

PARTITIONS = 12
APPENDS = 100
SEED = 20230129
WAIT_S_MAX = 600.0
CLEW = (sys.executable, "-m", "clew_agent")
STORED = re.compile(r'^clew_consumer_events_total\{.*verdict="created".*\} ([0-9.e+]+)$', re.MULTILINE)


def topics_at(bootstrap: str) -> KafkaLogSettings:
    """Make topics of our own and return how to reach them."""
    prefix = f"bench-{uuid4().hex[:8]}"
    settings = KafkaLogSettings(server=f"kafka://{bootstrap}/{prefix}", group=prefix, partitions=PARTITIONS)
    asyncio.run(ensure_topics(settings, client_id="bench"))
    return settings


def timed(command: list[Any]) -> dict[str, float]:
    """Run a program to its end; what it took, by the kernel's account."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[1:4]} ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return {"wall_s": time.monotonic() - began, "cpu_s": cpu_s, "peak_mib": usage.ru_maxrss / 1024}


def agent_config(scratch: Path, kafka: KafkaLogSettings, **settings: Any) -> Path:
    config = scratch / f"agent-{uuid4().hex[:8]}.yaml"
    config.write_text(json.dumps({"server": kafka.server, "data": str(config.with_suffix("")), **settings}))
    return config


def agent_to_kafka(scratch: Path, bootstrap: str, megabytes: int) -> dict[str, Any]:
    file = scratch / "json.log"
    write_lines(file, "json", megabytes)
    size = file.stat().st_size / 1e6
    config = agent_config(scratch, topics_at(bootstrap), sources=[{"paths": [str(file)]}])
    ours = timed([*CLEW, "agent", "run", "--once", "--config", config])
    server = topics_at(bootstrap).server
    began = time.process_time()
    asyncio.run(send_ready_made(file, server))
    ready_cpu_s = time.process_time() - began
    file.unlink()
    return {
        "megabytes": round(size),
        "mb_per_cpu_s": round(size / ours["cpu_s"], 1),
        "mb_per_s": round(size / ours["wall_s"], 1),
        "ready_made_mb_per_cpu_s": round(size / ready_cpu_s, 1),
        "ratio": round(ready_cpu_s / ours["cpu_s"], 2),
        "peak_mib": round(ours["peak_mib"], 1),
    }


async def send_ready_made(file: Path, server: str) -> None:
    """Send a file as it is, 1 MiB a record, by the producer that the agent has: idempotent, acknowledged by all."""
    settings = KafkaLogSettings(server=server, record_bytes_max=MIB)
    address = KafkaAddress.parse(server)
    producer = await open_producer(
        address, settings, client_id="bench", record_bytes_max=MIB, timeout_s=30, metadata_max_age_s=300
    )
    under_way: list[Any] = []
    with file.open("rb", buffering=0) as stream:
        number = 0
        # Less than 1 MiB, for brokers count what stands around it, too.
        while data := stream.read(MIB - 4096):
            under_way.append(await producer.send(address.topics.events, data, partition=number % PARTITIONS))
            number += 1
            if len(under_way) >= 2 * PARTITIONS:
                await under_way.pop(0)
    await asyncio.gather(*under_way)
    await producer.stop()


@contextmanager
def collector(scratch: Path, kafka: KafkaLogSettings, elastic: ElasticsearchSettings) -> Iterator[tuple[str, Watch]]:
    """Run a collector between the two; give its address, and who watches it."""
    config = scratch / f"collector-{uuid4().hex[:8]}.yaml"
    log = {"kafka": kafka.model_dump(mode="json", exclude_defaults=True)}
    store = {"elasticsearch": elastic.model_dump(mode="json", exclude_defaults=True)}
    data = str(config.with_suffix(""))
    config.write_text(json.dumps({"data": data, "listen": "127.0.0.1:0", "log": log, "store": store}))
    with subprocess.Popen(
        [*CLEW, "collector", "run", "--config", config], stderr=subprocess.PIPE, text=True
    ) as process:
        watch = Watch(process)  # type: ignore[arg-type] # of bytes or of text is the same to it
        try:
            assert process.stderr is not None
            url = next(found[1] for line in process.stderr if (found := re.search(r"(http://\S+),", line)))
            yield url, watch
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
    if process.returncode:
        raise SystemExit(f"the collector ended with {process.returncode}")


def stored(client: httpx.Client) -> int:
    found = STORED.search(client.get("/metrics").text)
    return int(float(found[1])) if found else 0


def kafka_to_elasticsearch(folder: Path, scratch: Path, bootstrap: str, url: str) -> dict[str, Any]:
    events = read_events(folder)
    ceiling_s = float("inf")
    for _ in range(2):  # the first one warms the JVM up
        settings = settings_of(url)
        asyncio.run(_prepare(settings))
        bodies = bodies_of(events, settings)
        began = time.perf_counter()
        asyncio.run(raw(bodies, settings))
        ceiling_s = time.perf_counter() - began
        remove(settings)
    count = len(events)
    del events, bodies
    kafka, elastic = topics_at(bootstrap), settings_of(url)
    source = write_config(folder).read_text().replace("hosts/*", f"{folder}/hosts/*")
    config = agent_config(scratch, kafka)
    given = json.loads(config.read_text())
    config.write_text(source + "".join(f"{key}: {json.dumps(value)}\n" for key, value in given.items()))
    timed([*CLEW, "agent", "run", "--once", "--config", config])
    began_s = ended_s = 0.0
    with collector(scratch, kafka, elastic) as (address, watch), httpx.Client(base_url=address, timeout=60) as client:
        deadline = time.monotonic() + WAIT_S_MAX
        first = 0
        while (now := stored(client)) < count:
            if now and not first:
                first, began_s = now, time.perf_counter()
            if time.monotonic() > deadline:
                raise SystemExit(f"{now} of {count} events were stored within {WAIT_S_MAX} s")
            time.sleep(0.02)
        ended_s = time.perf_counter()
    usage = watch.finish()["server"]
    remove(elastic)
    through = (count - first) / (ended_s - began_s)
    return {
        "events": count,
        "events_per_s": round(through),
        "raw_bulk_events_per_s": round(count / ceiling_s),
        "ratio": round(through * ceiling_s / count, 2),
        "collector_cpu_us_per_event": round(1e6 * usage.cpu_s / count, 1),
        "collector_peak_mib": round(usage.peak_mib, 1),
    }


async def _prepare(settings: ElasticsearchSettings) -> None:
    store = ElasticsearchStore.open(settings)
    await store.prepare()
    await store.close()


def appended_to_searchable(scratch: Path, bootstrap: str, url: str) -> dict[str, float]:
    """Append a line, ask until it is found; milliseconds."""
    file = scratch / "live.log"
    file.touch()
    kafka, elastic = topics_at(bootstrap), settings_of(url)
    config = agent_config(scratch, kafka, sources=[{"paths": [str(file)]}])
    with collector(scratch, kafka, elastic), subprocess.Popen([*CLEW, "agent", "run", "--config", config]) as agent:
        try:
            waits = asyncio.run(_append(file, elastic))
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait(30)
    remove(elastic)
    return quantiles(waits)


async def _append(file: Path, settings: ElasticsearchSettings) -> list[float]:
    luck, waits = random.Random(SEED), []
    store = ElasticsearchStore.open(settings)
    try:
        with file.open("a", buffering=1) as log:
            # The first line makes indices, and is not counted.
            for number in range(APPENDS + 1):
                appended = time.monotonic()
                log.write(json.dumps({"trace_id": UUID(int=luck.getrandbits(128)).hex, "msg": "hello"}) + "\n")
                while await store.count(ALL) <= number:
                    if time.monotonic() - appended > WAIT_S_MAX:
                        raise SystemExit(f"a line did not become searchable within {WAIT_S_MAX} s")
                    await asyncio.sleep(0.01)
                if number:
                    waits.append(time.monotonic() - appended)
                await asyncio.sleep(0.3 * luck.random())
    finally:
        await store.close()
    return waits


@contextmanager
def engines() -> Iterator[tuple[str, str]]:
    """Where a Kafka and an Elasticsearch answer: those that run, else some of our own."""
    running = Running.found()
    with tempfile.TemporaryDirectory(prefix="clew-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Elasticsearch runs as another user where this is root
        kafka = running.kafka or Kafka.start(Path(folder) / "kafka")
        try:
            elastic = running.elasticsearch or Elasticsearch.start(Path(folder) / "elasticsearch")
            try:
                yield kafka.bootstrap, elastic.url
            finally:
                if running.elasticsearch is None:
                    elastic.stop()
        finally:
            if running.kafka is None:
                kafka.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="unpacked TrainTicket (hosts/...), else the archive is unpacked")
    parser.add_argument("--megabytes", type=int, default=1000, help="the size of the agent's file")
    arguments = parser.parse_args()
    configure_logs(level="warning")
    with tempfile.TemporaryDirectory() as name, engines() as (bootstrap, url):
        scratch = Path(name)
        folder = arguments.folder or unpack_trainticket(scratch / "logs")
        print(json.dumps({"agent": agent_to_kafka(scratch, bootstrap, arguments.megabytes)}), flush=True)
        print(json.dumps({"collector": kafka_to_elasticsearch(folder, scratch, bootstrap, url)}), flush=True)
        print(json.dumps({"appended_to_searchable_ms": appended_to_searchable(scratch, bootstrap, url)}))


if __name__ == "__main__":
    main()
