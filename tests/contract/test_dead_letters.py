"""One suite over every place where dead letters lie."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from deploy.engines import Kafka
from tests.kafka_topics import create, in_thread, new_prefix

from clew_collector.dead_letters import Content, DeadLetter, DeadLetters, MemoryDeadLetters, SqliteDeadLetters
from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.errors import DataDirectoryError, LogError
from clew_collector.log.kafka.settings import KafkaLogSettings


def letter(name: str, *, reason: str = "because", payload: bytes = b"\x00\xffline\n") -> DeadLetter:
    return DeadLetter(
        id=name,
        content=Content.RECORD,
        payload=payload,
        reason=reason,
        topic="clew.events",
        partition=3,
        offset=7,
        headers=(("a", b"\x00"),),
        buried_ns=5,
    )


@pytest.fixture(params=["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def letters(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DeadLetters]:
    place: DeadLetters
    match request.param:
        case "memory":
            place = MemoryDeadLetters()
        case "sqlite":
            place = SqliteDeadLetters.open(tmp_path / "dead-letters.sqlite")
        case _:
            kafka: Kafka = request.getfixturevalue("kafka")
            settings = KafkaLogSettings(server=f"kafka://{kafka.bootstrap}/{new_prefix()}")
            in_thread(create(kafka.bootstrap, {settings.address.topics.dead_letters: 1}, cleanup_policy="compact"))
            place = KafkaDeadLetters(settings, client_id="test")
    yield place
    await place.close()


class TestEveryPlace:
    async def test_there_are_none_at_first(self, letters: DeadLetters) -> None:
        assert await letters.letters() == []

    async def test_letters_are_kept_whole_and_in_order(self, letters: DeadLetters) -> None:
        await letters.bury([letter("b"), letter("a", payload=bytes(range(256)) * 4000)])
        await letters.bury([letter("c")])
        found = await letters.letters()
        assert found == [letter("b"), letter("a", payload=bytes(range(256)) * 4000), letter("c")]

    async def test_the_same_given_up_again_counts_on_with_the_newer_reason(self, letters: DeadLetters) -> None:
        await letters.bury([letter("a"), letter("b")])
        await letters.bury([letter("a", reason="other")])
        again = msgspec.structs.replace(letter("a", reason="other"), count=2)
        assert await letters.letters() == [again, letter("b")]

    async def test_what_is_removed_is_gone_and_may_come_again(self, letters: DeadLetters) -> None:
        await letters.bury([letter("a"), letter("b")])
        await letters.remove(["a", "unknown"])
        assert await letters.letters() == [letter("b")]
        await letters.bury([letter("a")])
        assert await letters.letters() == [letter("b"), letter("a")]


class TestSqlite:
    async def test_they_outlive_the_process(self, tmp_path: Path) -> None:
        path = tmp_path / "dead-letters.sqlite"
        one = SqliteDeadLetters.open(path)
        assert not path.exists()
        await one.bury([letter("a")])
        await one.close()
        other = SqliteDeadLetters.open(path, writable=False)
        assert await other.letters() == [letter("a")]
        await other.close()

    async def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"no database at all, but long enough to be looked at" * 20)
        with pytest.raises(DataDirectoryError, match="cannot be opened"):
            SqliteDeadLetters.open(tmp_path / "x")

    async def test_what_cannot_be_kept_is_an_error(self, tmp_path: Path) -> None:
        letters = SqliteDeadLetters.open(tmp_path / "gone" / "x")
        with pytest.raises(LogError, match="cannot be kept"):
            await letters.bury([letter("a")])


@pytest.mark.kafka
async def test_without_kafka_a_letter_is_not_kept_and_says_why() -> None:
    letters = KafkaDeadLetters(KafkaLogSettings(server="kafka://127.0.0.1:9", timeout_s=2), client_id="test")
    with pytest.raises(LogError, match="dead letters cannot be kept"):
        await letters.bury([letter("a")])
    with pytest.raises(LogError, match=r"127\.0\.0\.1:9"):
        await letters.letters()
    await letters.close()
