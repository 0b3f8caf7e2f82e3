"""Interval arithmetic against plain sets of bytes."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.chunks import chunk_of, scattered

from clew_agent.wire import Chunk, decode_chunk, encode_chunk, pack_u32
from clew_collector.log.coverage import Interval, merge, overlap, runs, subtract, take, total

intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 15)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8
).map(merge)


def bytes_of(these: list[Interval]) -> set[int]:
    return {byte for start, end in these for byte in range(start, end)}


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Chunks of up to eight lines, with gaps or without, some lines cut."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    gaps = draw(st.lists(st.sampled_from([0, 0, 3]), min_size=len(lengths), max_size=len(lengths)))
    lines, at = [], draw(st.integers(0, 20))
    for length, gap in zip(lengths, gaps, strict=True):
        at += gap
        lines.append((at, bytes(at + i for i in range(length))))
        at += length
    chunk = scattered(lines) if any(gaps) else chunk_of([line for _, line in lines], start=lines[0][0])
    if draw(st.booleans()):
        sizes = [draw(st.integers(0, length)) for length in lengths]
        payload = b"".join(line[:size] for (_, line), size in zip(lines, sizes, strict=True))
        chunk = msgspec.structs.replace(chunk, sizes=pack_u32(sizes), payload=payload)
    ids = b"".join(bytes([i]) * 16 for i in range(len(lengths)))
    return msgspec.structs.replace(chunk, ids=ids, origins=bytes([1] * len(lengths)), aliases={0: ("a",)})


class TestIntervals:
    @given(intervals, intervals)
    def test_subtract_leaves_what_is_not_covered(self, one: list[Interval], other: list[Interval]) -> None:
        assert bytes_of(subtract(one, other)) == bytes_of(one) - bytes_of(other)

    @given(intervals, intervals)
    def test_overlap_counts_what_both_hold(self, one: list[Interval], other: list[Interval]) -> None:
        assert overlap(one, other) == len(bytes_of(one) & bytes_of(other))

    @given(intervals, intervals)
    def test_merged_intervals_are_sorted_and_do_not_touch(self, one: list[Interval], other: list[Interval]) -> None:
        merged = merge([*one, *other])
        assert bytes_of(merged) == bytes_of(one) | bytes_of(other)
        assert all(before[1] < after[0] for before, after in pairwise(merged))
        assert total(merged) == len(bytes_of(merged))


class TestTake:
    @given(chunks(), intervals)
    def test_takes_the_missing_bytes_and_no_others(self, chunk: Chunk, covered: list[Interval]) -> None:
        taken = take(chunk, covered)
        assert taken.accepted + taken.duplicate == chunk.count
        brought = set() if taken.chunk is None else bytes_of(runs(taken.chunk))
        assert brought == bytes_of(runs(chunk)) - bytes_of(covered)

    @given(chunks(), intervals)
    def test_what_is_taken_is_a_chunk_whose_lines_kept_their_bytes_and_ids(
        self, chunk: Chunk, covered: list[Interval]
    ) -> None:
        taken = take(chunk, covered).chunk
        if taken is None:
            return
        assert decode_chunk(encode_chunk(taken)) == taken
        originals = {line.offset: line for line in chunk.lines()}
        for line in taken.lines():
            origin = originals[max(offset for offset in originals if offset <= line.offset)]
            skipped = line.offset - origin.offset
            assert origin.raw[skipped:].startswith(line.raw.removesuffix(b"\n"))
            assert (line.transaction_id, line.aliases) == (origin.transaction_id, origin.aliases)

    @given(chunks())
    def test_a_chunk_that_is_all_new_is_the_same_object(self, chunk: Chunk) -> None:
        assert take(chunk, [(1000, 2000)]).chunk is chunk

    @given(chunks())
    def test_a_chunk_that_is_all_there_brings_nothing(self, chunk: Chunk) -> None:
        assert take(chunk, runs(chunk)) == take(chunk, [(0, 1000)])
        assert take(chunk, runs(chunk)).chunk is None
