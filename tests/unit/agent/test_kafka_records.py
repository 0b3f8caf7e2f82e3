"""Records of a bounded size, and what of a send is done, to be repeated or under way."""

from __future__ import annotations

import asyncio
import random

import pytest
from aiokafka import errors
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chunks import FILE_A, chunk_of, numbered

from clew_agent.kafka import KafkaAddress
from clew_agent.kafka.failures import explain, is_too_large
from clew_agent.kafka.murmurs import Murmurs
from clew_agent.transport.kafka.fit import fit
from clew_agent.transport.kafka.parcels import Parcel, Shipment, pack
from clew_agent.wire import decode_chunk

RANDOM = random.Random(7)


def noise(size: int) -> bytes:
    """A line that does not compress."""
    return RANDOM.randbytes(size - 1).replace(b"\n", b".") + b"\n"


class TestFit:
    @given(st.lists(st.integers(2, 4000), min_size=1, max_size=12), st.integers(2000, 9000))
    @settings(deadline=None)
    def test_every_record_is_within_the_limit_and_every_byte_accounted_for(self, sizes: list[int], limit: int) -> None:
        chunk = chunk_of([noise(size) for size in sizes])
        fitted = list(fit(chunk, bytes_max=limit, level=1))
        assert all(len(one.record) <= limit for one in fitted)
        parts = [decode_chunk(one.record) for one in fitted]
        assert [line.offset for part in parts for line in part.lines()] == chunk.line_offsets()
        assert b"".join(part.lengths for part in parts) == chunk.lengths
        assert sum(one.cut_bytes for one in fitted) == len(chunk.payload) - sum(len(part.payload) for part in parts)

    def test_a_small_chunk_is_one_record(self) -> None:
        [only] = fit(numbered(0, 9), bytes_max=10_000, level=1)
        assert decode_chunk(only.record) == numbered(0, 9)
        assert not only.cut_bytes

    def test_a_line_too_large_by_itself_keeps_its_head(self) -> None:
        line = noise(50_000)
        [only] = fit(chunk_of([line], start=7), bytes_max=5_000, level=1)
        chunk = decode_chunk(only.record)
        assert line.startswith(chunk.payload)
        assert len(chunk.payload) > 3_500
        assert (chunk.start, chunk.end) == (7, 7 + len(line))
        assert only.cut_bytes == len(line) - len(chunk.payload)

    def test_a_line_that_was_cut_before_is_cut_further(self) -> None:
        once = decode_chunk(next(fit(chunk_of([noise(9_000)]), bytes_max=5_000, level=1)).record)
        [twice] = fit(once, bytes_max=3_000, level=1)
        chunk = decode_chunk(twice.record)
        assert chunk.end == 9_000
        assert twice.cut_bytes == len(once.payload) - len(chunk.payload)


class TestPack:
    def test_it_counts_what_was_cut(self) -> None:
        packed = pack([chunk_of([noise(9_000), b"short\n", noise(9_000)])], partitions=1, bytes_max=4_000, level=1)
        kept = sum(len(decode_chunk(record).payload) for record in packed.parcels[0].records)
        assert (packed.cut_lines, packed.cut_bytes) == (2, 18_006 - kept)

    def test_a_partition_is_one_parcel(self) -> None:
        packed = pack([numbered(0, 400)], partitions=3, bytes_max=100_000, level=1)
        assert sorted(parcel.partition for parcel in packed.parcels) == [0, 1, 2]
        assert {decode_chunk(parcel.records[0]).source.file_id for parcel in packed.parcels} == {FILE_A}


class TestShipment:
    async def test_what_is_acknowledged_is_forgotten_what_failed_is_to_be_sent_again(self) -> None:
        async def acknowledged() -> None: ...

        async def failing() -> None:
            raise errors.OutOfOrderSequenceNumber

        async def waiting() -> None:
            await asyncio.sleep(60)

        parcels = [
            Parcel(0, [b"a"], asyncio.create_task(acknowledged())),
            Parcel(1, [b"b"], asyncio.create_task(failing())),
            Parcel(2, [b"c"], asyncio.create_task(waiting())),
            Parcel(3, [b"d"]),
        ]
        shipment = Shipment([numbered(0, 1)], parcels)
        await asyncio.sleep(0)
        assert [type(error) for error in shipment.settle()] == [errors.OutOfOrderSequenceNumber]
        assert [(parcel.partition, parcel.task is None) for parcel in shipment.parcels] == [
            (1, True),
            (2, False),
            (3, True),
        ]
        await shipment.call_back()
        assert [parcel.task for parcel in shipment.parcels] == [None, None, None]

    def test_it_knows_its_own_chunks_from_equal_ones(self) -> None:
        one, other = numbered(0, 1), numbered(0, 1)
        assert Shipment([one]).is_of([one])
        assert not Shipment([one]).is_of([other])
        assert not Shipment([one]).is_of([one, other])


class TestWords:
    ADDRESS = KafkaAddress(("a:1",))

    @pytest.mark.parametrize(
        ("error", "murmur", "said", "hint"),
        [
            (errors.UnknownTopicOrPartitionError(), "whatever", "the topic t does not exist", "creates the topics"),
            (TimeoutError(), "", "no answer in time", ""),
            (None, 'Unable connect to "a:1": refused', "Unable connect", "brokers run"),
            (None, "retrying. Error: NotEnoughReplicasError", "NotEnoughReplicas", "too few brokers"),
            (errors.KafkaConnectionError("Unable to bootstrap"), "", "Unable to bootstrap", "brokers run"),
            (
                errors.KafkaConnectionError("Unable to bootstrap"),
                "SaslAuthenticationFailed: no",
                "SaslAuthenticationFailed",
                "kafka.username",
            ),
            (errors.TopicAuthorizationFailedError("t"), "", "TopicAuthorizationFailed", "right to write"),
        ],
    )
    def test_a_failure_says_what_happened_and_what_to_do(
        self, error: BaseException | None, murmur: str, said: str, hint: str
    ) -> None:
        explained = explain(error, self.ADDRESS, murmur=murmur, topics=["t"])
        assert said in explained.message
        assert "a:1" in explained.message
        assert hint in explained.hint

    def test_of_several_topics_none_is_said_to_be_the_missing_one(self) -> None:
        error = errors.UnknownTopicOrPartitionError()
        assert explain(error, self.ADDRESS, topics=["clew.events", "others"]).message == (
            "a topic of clew.events and others is missing at a:1"
        )

    def test_too_large_is_told_apart(self) -> None:
        assert is_too_large(errors.MessageSizeTooLargeError())
        assert not is_too_large(errors.OutOfOrderSequenceNumber())

    def test_the_librarys_warnings_are_kept_and_not_printed(self, capfd: pytest.CaptureFixture[str]) -> None:
        import logging

        murmurs = Murmurs.listen()
        assert Murmurs.listen() is murmurs
        logging.getLogger("aiokafka.producer.sender").warning("Cannot send %s.", "this")
        assert murmurs.since(0) == "Cannot send this."
        assert murmurs.since(float("inf")) == ""
        assert capfd.readouterr() == ("", "")
