"""What a message of a topic holds: a chunk of ours, what others wrote, or poison."""

from __future__ import annotations

import json

import pytest
from aiokafka import ConsumerRecord
from tests.chunks import numbered

from clew_agent.wire import encode_chunk
from clew_collector.foreign import FORM_HEADER, ORIGIN_HEADER
from clew_collector.log.foreign import ForeignChunk
from clew_collector.log.kafka.messages import MESSAGES_AT_ONCE_MAX, MessageReader
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.log.protocol import Place

READER = MessageReader(
    KafkaLogSettings.model_validate({"foreign_topics": [{"topic": "logs", "form": "json"}, {"topic": "any"}]})
)
WRITTEN_MS = 1_795_478_400_123


def message(
    value: bytes | None, *, topic: str = "logs", offset: int = 5, headers: tuple[tuple[str, bytes | None], ...] = ()
):  # type: ignore[no-untyped-def]
    return ConsumerRecord(topic, 2, offset, WRITTEN_MS, 0, b"k", value, 1, len(value or b""), 0, headers)


def line(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


class TestRead:
    def test_a_chunk_of_ours(self) -> None:
        [content] = READER.read([message(encode_chunk(numbered(0, 3)), topic="clew.events")])
        assert (content.chunk, content.poison) == (numbered(0, 3), "")
        assert content.place == Place("clew.events", 2, 5)

    @pytest.mark.parametrize("value", [b"no chunk", None])
    def test_poison_in_our_own_topic(self, value: bytes | None) -> None:
        [content] = READER.read([message(value, topic="clew.events", headers=(("h", None),))])
        assert content.chunk is None
        assert content.poison
        assert (content.value, content.headers) == (value or b"", (("h", b""),))

    def test_lines_of_others_are_events_and_the_message_says_where_it_stood(self) -> None:
        value = line("one") + b"\n" + line("two")
        [content] = READER.read([message(value, headers=(("h", b"v"),))])
        assert isinstance(content.chunk, ForeignChunk)
        assert [event.body for event in content.chunk.events] == ["one", "two"]
        assert content.chunk.count == 2
        assert [event.body for event in content.chunk.select(1, 2).events] == ["two"]
        assert content.headers == (("h", b"v"), (ORIGIN_HEADER, b"logs/2/5/%d" % WRITTEN_MS))

    def test_a_message_that_was_put_back_is_the_same_events(self) -> None:
        [first] = READER.read([message(line("one"))])
        [again] = READER.read([message(line("one"), offset=900, headers=first.headers)])
        assert again.chunk == first.chunk
        assert (again.place, again.headers) == (Place("logs", 2, 5), first.headers)

    @pytest.mark.parametrize(("value", "reason"), [(b"{", "not JSON"), (b"1", "no object"), (b"\xff\xfe", "not JSON")])
    def test_poison_of_others_says_why(self, value: bytes, reason: str) -> None:
        [content] = READER.read([message(value)])
        assert content.chunk is None
        assert reason in content.poison

    def test_a_message_of_no_known_form_is_poison(self) -> None:
        contents = READER.read([message(b"x", topic="any"), message(b"x", headers=((FORM_HEADER, b"avro"),))])
        assert all("clew-form" in content.poison for content in contents)

    def test_an_empty_message_holds_nothing(self) -> None:
        [content] = READER.read([message(None)])
        assert (content.chunk, content.poison) == (None, "")

    def test_a_header_counts_in_our_own_topic_too(self) -> None:
        [content] = READER.read([message(line("one"), topic="clew.events", headers=((FORM_HEADER, b"json"),))])
        assert isinstance(content.chunk, ForeignChunk)


class TestRuns:
    def test_ours_are_read_one_by_one(self) -> None:
        messages = [message(b"c", topic="clew.events"), message(b"d", topic="clew.events")]
        assert READER.run_of(messages, bytes_max=100) == messages[:1]

    def test_others_go_together_up_to_ours(self) -> None:
        messages = [message(line("a")), message(line("b")), message(b"c", topic="clew.events"), message(line("d"))]
        assert READER.run_of(messages, bytes_max=1000) == messages[:2]

    def test_others_go_together_up_to_the_bytes_and_one_in_any_case(self) -> None:
        messages = [message(b"x" * 60, offset=n) for n in range(5)]
        assert READER.run_of(messages, bytes_max=130) == messages[:2]
        assert READER.run_of(messages, bytes_max=1) == messages[:1]

    def test_others_go_together_up_to_a_number(self) -> None:
        messages = [message(None, offset=n) for n in range(MESSAGES_AT_ONCE_MAX + 5)]
        assert len(READER.run_of(messages, bytes_max=1)) == MESSAGES_AT_ONCE_MAX
