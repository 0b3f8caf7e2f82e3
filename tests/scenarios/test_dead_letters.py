"""`clew dead-letters` from outside, over Kafka and over a data directory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from deploy.engines import Kafka
from tests.chunks import numbered
from tests.kafka_topics import create, in_thread, new_prefix, read_all
from tests.scenarios.collector_program import clew

from clew_agent.wire import decode_chunk, encode_chunk
from clew_collector.datadir import DataDirectory
from clew_collector.dead_letters import Content, DeadLetter, DeadLetters, SqliteDeadLetters
from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.log.kafka.settings import KafkaLogSettings


def line_letter() -> DeadLetter:
    chunk = numbered(7, 8)
    return DeadLetter(
        id="0" * 32,
        content=Content.LINE,
        payload=encode_chunk(chunk),
        reason="no number",
        topic="clew.events",
        partition=0,
        offset=3,
        buried_ns=10**18,
        source="/var/log/a.log",
    )


def record_letter(topic: str) -> DeadLetter:
    return DeadLetter(
        id=f"{topic}/1/5",
        content=Content.RECORD,
        payload=b"\x00poison",
        reason="not a chunk",
        topic=topic,
        partition=1,
        offset=5,
        headers=(("h", b"v"),),
        buried_ns=10**18,
    )


async def bury(place: DeadLetters, *letters: DeadLetter) -> None:
    await place.bury(letters)
    await place.close()


@pytest.mark.kafka
def test_letters_in_kafka_are_listed_shown_and_put_back(kafka: Kafka, tmp_path: Path) -> None:
    settings = KafkaLogSettings(server=f"kafka://{kafka.bootstrap}/{new_prefix()}")
    topics = settings.address.topics
    in_thread(create(kafka.bootstrap, {topics.events: 2, topics.dead_letters: 1}))
    letters = (line_letter(), record_letter(topics.events))
    asyncio.run(bury(KafkaDeadLetters(settings, client_id="test"), *letters))
    config = tmp_path / "collector.yaml"
    config.write_text(json.dumps({"log": {"kafka": {"server": settings.server}}, "store": {"elasticsearch": {}}}))

    listed = clew("dead-letters", "list", "--config", config, "--json")
    assert listed.returncode == 0, listed.stderr
    assert [(one["id"], one["reason"]) for one in json.loads(listed.stdout)] == [
        (letter.id, letter.reason) for letter in letters
    ]
    shown = json.loads(clew("dead-letters", "show", "0" * 32, "--config", config, "--json").stdout)
    assert shown["original"] == "INFO line 7    "

    unknown = clew("dead-letters", "replay", "nothing", "--config", config)
    assert unknown.returncode == 1
    assert "there is no letter nothing" in unknown.stderr

    replayed = clew("dead-letters", "replay", "--all", "--config", config, "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout) == {"replayed": 2}
    assert json.loads(clew("dead-letters", "list", "--config", config, "--json").stdout) == []
    records = in_thread(read_all(kafka.bootstrap, topics.events))
    [poison] = [record for record in records if record.value == b"\x00poison"]
    assert (poison.partition, poison.headers) == (1, (("h", b"v"),))
    [line] = [decode_chunk(record.value) for record in records if record is not poison]
    assert [one.raw for one in line.lines()] == [b"INFO line 7    "]


def test_letters_in_a_data_directory_are_listed_and_shown(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path / "data")
    asyncio.run(bury(SqliteDeadLetters.open(directory.dead_letters), line_letter()))
    directory.close()

    listed = clew("dead-letters", "list", "--data", directory.path)
    assert listed.returncode == 0, listed.stderr
    assert "no number" in listed.stdout
    assert "/var/log/a.log" in listed.stdout
    shown = clew("dead-letters", "show", "0" * 32, "--data", directory.path)
    assert "INFO line 7" in shown.stdout

    replayed = clew("dead-letters", "replay", "--all", "--data", directory.path)
    assert replayed.returncode == 1
    assert "clew replay --data" in replayed.stderr


def test_without_a_data_directory_it_says_so(tmp_path: Path) -> None:
    done = clew("dead-letters", "list", "--data", tmp_path / "none")
    assert done.returncode == 1
    assert "there is no data directory" in done.stderr
