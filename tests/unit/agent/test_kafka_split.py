"""Splitting chunks by partition: nothing is lost or changed, and every line is where its transaction belongs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st
from tests.chunks import FILE_A, FILE_B, chunk_of, numbered, scattered

from clew_agent.transport.kafka.split import split_by_partition
from clew_agent.wire import Chunk, Origin, decode_chunk, encode_chunk, pack_u32, partition_of, partitions_of

IDS = st.binary(min_size=16, max_size=16).filter(any)


@st.composite
def stamped_chunks(draw: st.DrawFn) -> list[Chunk]:
    """Chunks of two files, each behind the one before it, stamped at random from few ids, some lines cut."""
    ids = draw(st.lists(IDS, min_size=1, max_size=4))
    ends = {FILE_A: 0, FILE_B: 0}
    chunks = []
    for _ in range(draw(st.integers(1, 4))):
        file = draw(st.sampled_from([FILE_A, FILE_B]))
        lines = draw(st.lists(st.binary(max_size=9).map(lambda text: text + b"\n"), min_size=1, max_size=8))
        start = ends[file] + draw(st.integers(0, 3))
        chunk = chunk_of(lines, start=start, file=file)
        if draw(st.booleans()):
            origins = [draw(st.sampled_from(Origin)) for _ in lines]
            chunk = msgspec.structs.replace(
                chunk,
                origins=bytes(origins),
                ids=b"".join(draw(st.sampled_from(ids)) if origin else bytes(16) for origin in origins),
                aliases={i: ("a", str(i)) for i in range(len(lines)) if origins[i] == Origin.ALIAS},
            )
        if draw(st.booleans()):
            lengths = [len(line) + draw(st.integers(0, 2)) for line in lines]
            chunk = msgspec.structs.replace(
                chunk, lengths=pack_u32(lengths), sizes=pack_u32([len(line) for line in lines])
            )
        ends[file] = chunk.end
        chunks.append(chunk)
    return chunks


def lines_of(chunks: Sequence[Chunk]) -> list[tuple[object, ...]]:
    return sorted((chunk.source.file_id, *line) for chunk in chunks for line in chunk.lines())


@given(stamped_chunks(), st.integers(1, 7))
def test_the_lines_are_the_same(chunks: list[Chunk], partitions: int) -> None:
    parts = split_by_partition(chunks, partitions)
    assert lines_of([chunk for some in parts.values() for chunk in some]) == lines_of(chunks)


@given(stamped_chunks(), st.integers(1, 7))
def test_each_line_is_in_its_transactions_partition(chunks: list[Chunk], partitions: int) -> None:
    for partition, some in split_by_partition(chunks, partitions).items():
        for chunk in some:
            assert {partition_of(line.transaction_id, partitions) for line in chunk.lines()} == {partition}


@given(stamped_chunks(), st.integers(2, 7))
def test_what_comes_out_is_a_chunk_on_the_wire(chunks: list[Chunk], partitions: int) -> None:
    for some in split_by_partition(chunks, partitions).values():
        for chunk in some:
            assert decode_chunk(encode_chunk(chunk)) == chunk


def test_chunks_of_a_file_that_follow_each_other_become_one_in_each_partition() -> None:
    parts = split_by_partition([numbered(0, 50), numbered(50, 90), numbered(0, 9, file=FILE_B)], 4)
    assert sum(len(some) for some in parts.values()) <= 2 * 4
    assert all(len({chunk.source.file_id for chunk in some}) == len(some) for some in parts.values())


def test_one_partition_needs_no_work() -> None:
    chunks = [numbered(0, 3), numbered(3, 5)]
    parts = split_by_partition(chunks, 1)
    assert [*parts] == [0]
    assert all(a is b for a, b in zip(parts[0], chunks, strict=True))


def test_a_chunk_that_begins_before_the_one_ahead_of_it_ends_stays_apart() -> None:
    chunks = [scattered([(0, b"a\n"), (10, b"b\n")]), scattered([(4, b"c\n")])]
    parts = split_by_partition(chunks, 2)
    assert lines_of([chunk for some in parts.values() for chunk in some]) == lines_of(chunks)
    assert all(decode_chunk(encode_chunk(chunk)) for some in parts.values() for chunk in some)


def test_a_chunk_of_other_names_stays_apart() -> None:
    renamed = msgspec.structs.replace(
        numbered(3, 5), source=msgspec.structs.replace(numbered(3, 5).source, path="/elsewhere")
    )
    parts = split_by_partition([numbered(0, 3), renamed], 2)
    assert {chunk.source.path for some in parts.values() for chunk in some} == {
        renamed.source.path,
        numbered(0, 1).source.path,
    }


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1500])
def test_all_at_once_is_as_kafkas_partitioner_does_one_by_one(count: int) -> None:
    ids = [(i * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1).to_bytes(16, "big") for i in range(count)]
    assert partitions_of(ids, 12) == {key: (kafkas_murmur2(key.hex().encode()) & 0x7FFFFFFF) % 12 for key in ids}
