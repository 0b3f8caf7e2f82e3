"""`clew doctor` on a real Kafka: what it finds, and what /readyz and the log say of the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from deploy.engines import Kafka
from tests.chunks import numbered
from tests.kafka_topics import create, in_thread, new_prefix
from tests.scenarios.collector_program import CollectorProgram, clew

from clew_agent.wire import Chunk
from clew_collector.log.kafka.log import KafkaLog
from clew_collector.log.kafka.settings import KafkaLogSettings

pytestmark = pytest.mark.kafka


def doctor(folder: Path, kafka: dict[str, Any]) -> list[dict[str, str]]:
    """Return what is said of Kafka, the worst first. Elasticsearch is away in all of this."""
    config = folder / "collector.yaml"
    log = {"kafka": {"timeout_s": 10, **kafka}}
    config.write_text(json.dumps({"log": log, "store": {"elasticsearch": {"hosts": ["http://127.0.0.1:9"]}}}))
    done = clew("doctor", "--config", config, "--json")
    assert done.returncode == 1, done.stderr
    return [one for one in json.loads(done.stdout) if one["subject"] != "elasticsearch"]


def told(findings: list[dict[str, str]], subject: str) -> list[tuple[str, str]]:
    return [(one["level"], one["message"]) for one in findings if one["subject"] == subject]


async def put(settings: KafkaLogSettings, *chunks: Chunk) -> None:
    log = KafkaLog(settings, client_id="test", bury=None)  # type: ignore[arg-type] # nobody reads
    await log.append(chunks)
    await log.close()


def test_topics_and_the_group_are_looked_at(kafka: Kafka, tmp_path: Path) -> None:
    prefix = new_prefix()
    server = f"kafka://{kafka.bootstrap}/{prefix}"
    settings = {"server": server, "group": prefix, "foreign_topics": [{"topic": f"{prefix}-none", "form": "json"}]}
    missing = doctor(tmp_path, settings)
    assert told(missing, f"topic {prefix}.events") == [("warning", "it does not exist")]
    in_thread(create(kafka.bootstrap, {f"{prefix}.events": 3, f"{prefix}.agents": 1, f"{prefix}.dead-letters": 1}))
    in_thread(put(KafkaLogSettings(server=server), numbered(0, 100)))
    found = doctor(tmp_path, settings)
    assert told(found, "kafka") == [("fine", "1 brokers answer")]
    assert told(found, f"topic {prefix}-none") == [("warning", "it does not exist")]
    assert ("warning", "there is one replica: a lost disk is lost lines") in told(found, f"topic {prefix}.events")
    assert told(found, f"group {prefix}") == [("error", "no collector is in it; 3 records wait")]


def test_too_few_replicas_and_partitions_without_a_leader(start_kafka: Callable[..., Kafka], tmp_path: Path) -> None:
    cluster = start_kafka(3)
    server = f"kafka://{cluster.bootstrap}"
    in_thread(create(cluster.bootstrap, {"clew.events": 3, "clew.agents": 1, "clew.dead-letters": 1}, replicas=3))
    in_thread(put(KafkaLogSettings(server=server), numbered(0, 100)))
    well = told(doctor(tmp_path, {"server": server}), "topic clew.events")
    assert well == [("fine", "3 partitions, 3 replicas; at most 3 collectors share the work")]
    cluster.kill_node(3)
    deadline = time.monotonic() + 60
    while (said := told(doctor(tmp_path, {"server": server}), "topic clew.events"))[0][0] == "fine":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert said[0] == ("warning", "only 2 of 3 replicas are in sync")


NOWHERE = {"server": "kafka://127.0.0.1:9", "timeout_s": 2}


def test_a_wrong_address_is_said_by_doctor_readyz_and_once_in_the_log(tmp_path: Path) -> None:
    [away, *_] = doctor(tmp_path, NOWHERE)
    assert away["level"] == "error"
    assert "127.0.0.1:9" in away["message"]
    assert "brokers run" in away["hint"]
    collector = CollectorProgram(
        tmp_path / "collector",
        log={"kafka": NOWHERE},
        store={"elasticsearch": {"hosts": ["http://127.0.0.1:9"]}},
        retry_wait_s_max=0.2,
    )
    with collector:
        deadline = time.monotonic() + 30
        while True:
            answer = httpx.get(collector.url + "/readyz", timeout=10)
            assert answer.status_code == 503
            problems = " ".join(answer.json()["problems"])
            if "attempt 3" in problems:
                break
            assert time.monotonic() < deadline, problems
            time.sleep(0.2)
        assert "127.0.0.1:9" in problems
    said = [line for line in collector.said.splitlines() if "Consuming failed" in line]
    assert len(said) == 1
    assert "brokers run" in said[0]
