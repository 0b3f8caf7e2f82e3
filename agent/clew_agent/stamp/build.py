"""From the bytes that were read to a chunk: lengths, ids, origins and aliases by column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from clew_agent.wire import Chunk, Source, pack_u32

from .stamper import Stamper

__all__ = ["Cut", "build_chunk"]


class Cut(NamedTuple):
    """Line number `line` took `file_bytes` bytes in the file, though fewer are in the payload."""

    line: int
    file_bytes: int


def build_chunk(
    source: Source,
    *,
    observed_ns: int,
    start: int,
    payload: bytes,
    stamper: Stamper,
    cuts: Sequence[Cut] = (),
) -> Chunk:
    """Return the chunk of the whole lines in `payload`, which begin at byte `start` of the file.

    Each line has its terminator, the last may lack it. The same arguments give the same chunk.
    """
    sizes = _sizes(payload)
    stamps = stamper.stamp(payload, list(accumulate(sizes)))
    lengths = list(sizes)
    for cut in cuts:
        lengths[cut.line] = cut.file_bytes
    return Chunk(
        source=source,
        observed_ns=observed_ns,
        start=start,
        lengths=pack_u32(lengths),
        payload=payload,
        sizes=pack_u32(sizes) if cuts else b"",
        ids=stamps.ids,
        origins=stamps.origins,
        aliases=stamps.aliases,
    )


def _sizes(payload: bytes) -> list[int]:
    sizes = [len(line) + 1 for line in payload.split(b"\n")]
    sizes[-1] -= 1
    if not sizes[-1]:
        sizes.pop()
    return sizes
