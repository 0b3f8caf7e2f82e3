"""Chunks as records of a bounded size: what is too large is split, and a line too large by itself is cut. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from clew_agent.wire import Chunk, encode_chunk, pack_u32, unpack_u32

__all__ = ["Fitted", "fit"]


class Fitted(NamedTuple):
    """A record, and how many bytes of a line it lacks."""

    record: bytes
    cut_bytes: int = 0


def fit(chunk: Chunk, *, bytes_max: int, level: int) -> Iterator[Fitted]:
    """Yield the chunk as records of at most `bytes_max` bytes, in file order.

    A line that is larger keeps as much of its head as goes in; its `length` stays that of the file, so that the account
    of bytes holds. Not promised for fewer than some 1,000 bytes: that is what names and ids take.
    """
    encoded = encode_chunk(chunk, level=level)
    if len(encoded) <= bytes_max:
        yield Fitted(encoded)
    elif chunk.count > 1:
        middle = chunk.count // 2
        yield from fit(chunk.select(0, middle), bytes_max=bytes_max, level=level)
        yield from fit(chunk.select(middle, chunk.count), bytes_max=bytes_max, level=level)
    else:
        yield _cut(chunk, len(encoded), bytes_max=bytes_max, level=level)


def _cut(chunk: Chunk, encoded_bytes: int, *, bytes_max: int, level: int) -> Fitted:
    """Return the record of the chunk's one line, cut."""
    size = len(chunk.payload)
    kept = size
    while encoded_bytes > bytes_max and kept:
        # As if it compressed alike everywhere; where it does not, once more, and at least an eighth less.
        kept = min(kept * bytes_max // encoded_bytes, kept - kept // 8 - 1)
        encoded = encode_chunk(_head(chunk, kept), level=level)
        encoded_bytes = len(encoded)
    return Fitted(encoded, unpack_u32(chunk.sizes or chunk.lengths)[0] - kept)


def _head(chunk: Chunk, kept: int) -> Chunk:
    payload = chunk.payload[:kept]
    lost = chunk.cut.get(0, 0) + len(chunk.payload) - kept
    return msgspec.structs.replace(chunk, payload=payload, sizes=pack_u32([len(payload)]), cut={0: lost})
