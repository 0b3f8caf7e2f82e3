"""A real day of a real system: files, agent, three brokers, collector, Elasticsearch; every line there once."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from deploy.engines import Elasticsearch, Kafka
from tests.elastic_stores import elastic_settings, remove_prefix
from tests.kafka_topics import in_thread, new_prefix
from tests.scenarios.collector_program import CLEW, CollectorProgram

from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.expression import ALL
from clew_collector.store.protocol import StoredFile

pytestmark = [pytest.mark.kafka, pytest.mark.elastic, pytest.mark.data, pytest.mark.timeout(900)]

LINES = 168_642
ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_line_of_a_real_day_is_in_elasticsearch_once(
    trainticket: Path, kafka3: Kafka, elastic: Elasticsearch, tmp_path: Path
) -> None:
    settings = elastic_settings(elastic.url)
    server = f"kafka://{kafka3.bootstrap}/{new_prefix()}"
    collector = CollectorProgram(
        tmp_path / "collector",
        log={"kafka": {"server": server, "group": server.rpartition("/")[2]}},
        store={"elasticsearch": settings.model_dump(mode="json", exclude_defaults=True)},
    )
    logs = sorted((trainticket / "hosts").glob("*/*_server.log"))
    lines = [line for path in logs for line in path.read_bytes().splitlines()]
    assert len(lines) == LINES
    config = trainticket / "to-kafka.yaml"
    example = (ROOT / "deploy/examples/trainticket.yaml").read_text().replace("hosts/*", f"{trainticket}/hosts/*")
    config.write_text(example + f"server: {json.dumps(server)}\ndata: {tmp_path / 'agent'}\n")
    try:
        with collector:
            shipped = subprocess.run(
                [*CLEW, "agent", "run", "--once", "--config", config], capture_output=True, text=True, check=False
            )
            assert shipped.returncode == 0, shipped.stderr[-2000:]
            deadline = time.monotonic() + 600
            while in_thread(counted(settings)) < LINES and time.monotonic() < deadline:
                time.sleep(1)
            time.sleep(2)
        assert in_thread(counted(settings)) == LINES
        # Every byte of every file, none missing between.
        stored = in_thread(files(settings))
        assert all(file.bytes == file.end - file.start for file in stored)
        assert sum(file.bytes for file in stored) == sum(path.stat().st_size for path in logs)
    finally:
        remove_prefix(settings)


async def counted(settings: ElasticsearchSettings) -> int:
    store = ElasticsearchStore.open(settings)
    try:
        return await store.count(ALL)
    finally:
        await store.close()


async def files(settings: ElasticsearchSettings) -> list[StoredFile]:
    store = ElasticsearchStore.open(settings)
    try:
        return await store.files()
    finally:
        await store.close()
