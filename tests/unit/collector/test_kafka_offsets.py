"""What may be committed, and where to read again: tables, and properties over any reading."""

from __future__ import annotations

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.log.kafka.offsets import Offsets

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def read(*records: tuple[TopicPartition, int]) -> Offsets:
    offsets = Offsets()
    for partition, offset in records:
        offsets.read(partition, offset)
    return offsets


def test_positions_rise_by_one_whatever_the_partition() -> None:
    offsets = Offsets(position=7)
    assert [offsets.read(A, 0), offsets.read(B, 5), offsets.read(A, 1)] == [8, 9, 10]


def test_what_is_stored_is_committed_as_the_next_offset() -> None:
    offsets = read((A, 10), (B, 3), (A, 11))
    assert offsets.stored(2) == {A: 11, B: 4}
    assert offsets.stored(3) == {A: 12, B: 4}


def test_what_was_committed_is_not_committed_again() -> None:
    offsets = read((A, 10), (B, 3))
    offsets.committed(offsets.stored(2))
    assert offsets.stored(2) == {}
    offsets.read(B, 4)
    assert offsets.stored(3) == {B: 5}


def test_nothing_is_committed_that_is_not_stored() -> None:
    assert read((A, 10), (A, 11)).stored(0) == {}


def test_a_rewind_begins_at_the_first_record_behind_the_position() -> None:
    offsets = read((A, 10), (B, 3), (A, 11), (B, 4), (A, 12))
    assert offsets.rewind(2) == {A: 11, B: 4}
    assert offsets.rewind(2) == {}
    assert offsets.stored(9) == {A: 11, B: 4}


def test_after_a_rewind_positions_are_new_ones() -> None:
    offsets = read((A, 10), (A, 11))
    offsets.rewind(0)
    assert offsets.read(A, 10) == 3


def test_what_was_revoked_is_never_committed() -> None:
    offsets = read((A, 10), (B, 3), (A, 11))
    offsets.stored(1)
    offsets.revoke([A])
    assert offsets.stored(9) == {B: 4}


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 3)), max_size=30),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_a_commit_never_covers_a_record_behind_the_stored_position(
    reading: list[tuple[TopicPartition, int]], stored: list[int]
) -> None:
    offsets = Offsets()
    places: dict[TopicPartition, list[tuple[int, int]]] = {A: [], B: []}
    nexts = {A: 0, B: 0}
    for partition, gap in reading:
        offset = nexts[partition] + gap
        nexts[partition] = offset + 1
        places[partition].append((offsets.read(partition, offset), offset))
    for position in sorted(stored):
        for partition, next_offset in offsets.stored(position).items():
            behind = [offset for at, offset in places[partition] if at > position]
            before = [offset for at, offset in places[partition] if at <= position]
            assert next_offset == max(before) + 1
            assert all(offset >= next_offset for offset in behind)


def test_what_holds_nothing_is_committed_with_what_came_before_it() -> None:
    offsets = read((A, 10))
    offsets.pass_over(A, 11)
    offsets.pass_over(B, 3)
    assert offsets.position == 1
    assert offsets.stored(0) == {}
    assert offsets.stored(1) == {A: 12, B: 4}


def test_what_holds_nothing_and_follows_nothing_may_be_committed_at_once() -> None:
    offsets = Offsets(position=7)
    assert not offsets.has_stored(7)
    offsets.pass_over(A, 10)
    assert offsets.has_stored(7)
    assert offsets.stored(7) == {A: 11}
    assert not offsets.has_stored(7)


def test_a_partition_is_held_until_all_of_it_is_committed() -> None:
    offsets = read((A, 10), (B, 3))
    assert offsets.holds([A])
    stored = offsets.stored(1)
    assert offsets.holds([A])
    offsets.committed(stored)
    assert not offsets.holds([A])
    assert offsets.holds([A, B])
