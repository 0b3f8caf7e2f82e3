"""Which bytes of a file are there, as sorted disjoint intervals `(start, end)`, and what a chunk adds to them.

Pure arithmetic. After a crash an agent cuts its chunks elsewhere, and a last line without an end may come again,
longer: what is taken is exact to the byte, so lengths always sum to the bytes covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from clew_agent.wire import Chunk, pack_u32, pack_u64, unpack_u32

__all__ = ["Interval", "Taken", "merge", "overlap", "runs", "subtract", "take", "total"]

Interval = tuple[int, int]
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Taken:
    """What a chunk brings that was not there. Counts are lines; `chunk` is None when it brings nothing."""

    chunk: Chunk | None
    accepted: int
    duplicate: int


def total(intervals: Iterable[Interval]) -> int:
    """Return how many bytes disjoint intervals hold."""
    return sum(end - start for start, end in intervals)


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the sorted disjoint intervals that hold the same bytes; touching ones become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged


def subtract(wanted: Sequence[Interval], covered: Sequence[Interval]) -> list[Interval]:
    """Return the parts of `wanted` (sorted, disjoint) that `covered` (sorted, disjoint) does not hold."""
    return [(start, end) for _, start, end in _missing(wanted, covered)]


def overlap(one: Sequence[Interval], other: Sequence[Interval]) -> int:
    """Return how many bytes both hold."""
    return total(one) - total(subtract(one, other))


def runs(chunk: Chunk) -> list[Interval]:
    """Return the bytes of the file that the chunk's lines took."""
    if not chunk.offsets:
        return [(chunk.start, chunk.end)]
    return merge(_lines(chunk))


def take(chunk: Chunk, covered: Sequence[Interval]) -> Taken:
    """Return what the chunk holds beyond `covered` (sorted, disjoint).

    A chunk of which nothing is covered is returned as it is (the same object). A line that is partly covered is cut
    to the rest: the agent sent its beginning before the file grew.
    """
    extent = runs(chunk)
    if not overlap(extent, covered):
        return Taken(chunk, chunk.count, 0)
    pieces = _missing(_lines(chunk), covered)
    if not pieces:
        return Taken(None, 0, chunk.count)
    accepted = len({i for i, _, _ in pieces})
    return Taken(_rebuild(chunk, pieces), accepted, chunk.count - accepted)


def _lines(chunk: Chunk) -> list[Interval]:
    lengths = unpack_u32(chunk.lengths)
    return [(at, at + length) for at, length in zip(chunk.line_offsets(), lengths, strict=True)]


def _missing(wanted: Sequence[Interval], covered: Sequence[Interval]) -> list[tuple[int, int, int]]:
    """Return `(index in wanted, start, end)` of every part that is not covered, in order."""
    missing: list[tuple[int, int, int]] = []
    k = 0
    for i, (start, end) in enumerate(wanted):
        while k < len(covered) and covered[k][1] <= start:
            k += 1
        j, at = k, start
        while at < end and j < len(covered) and covered[j][0] < end:
            if at < covered[j][0]:
                missing.append((i, at, covered[j][0]))
            at = max(at, covered[j][1])
            j += 1
        if at < end:
            missing.append((i, at, end))
    return missing


def _rebuild(chunk: Chunk, pieces: Sequence[tuple[int, int, int]]) -> Chunk:
    lines = _lines(chunk)
    sizes = unpack_u32(chunk.sizes or chunk.lengths)
    ends, at = [], 0
    for size in sizes:
        at += size
        ends.append(at)
    lengths, kept, parts = [], [], []
    for i, start, end in pieces:
        # Of a line that was cut, the payload holds the first bytes.
        first = min(start - lines[i][0], sizes[i])
        last = sizes[i] if end == lines[i][1] else min(end - lines[i][0], sizes[i])
        begin = ends[i] - sizes[i]
        parts.append(chunk.payload[begin + first : begin + last])
        lengths.append(end - start)
        kept.append(last - first)
    gapless = all(before[2] == after[1] for before, after in pairwise(pieces))
    return msgspec.structs.replace(
        chunk,
        start=pieces[0][1],
        lengths=pack_u32(lengths),
        payload=b"".join(parts),
        sizes=b"" if kept == lengths else pack_u32(kept),
        offsets=b"" if gapless else pack_u64([start for _, start, _ in pieces]),
        ids=b"".join(chunk.ids[ID_BYTES * i : ID_BYTES * (i + 1)] for i, _, _ in pieces),
        origins=bytes(chunk.origins[i] for i, _, _ in pieces) if chunk.origins else b"",
        aliases={n: chunk.aliases[i] for n, (i, _, _) in enumerate(pieces) if i in chunk.aliases},
        cut={n: chunk.cut[i] for n, (i, _, _) in enumerate(pieces) if i in chunk.cut},
    )
