"""From the bytes that were read to a chunk: lengths, ids, origins and aliases by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clew_agent.wire import Chunk, Source, pack_u32

from .stamper import Stamper
from .text import Text

__all__ = ["Cut", "build_chunk"]


class Cut(NamedTuple):
    """Line number `line` took `file_bytes` bytes in the file, more or fewer than it has in the payload."""

    line: int
    file_bytes: int
    lost_bytes: int = 0
    """So many of its bytes are kept nowhere: it was over the limit."""


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

    Each line has its terminator, the last may lack it; there is at least one. The same arguments give the same chunk.
    """
    text = Text(payload)
    stamps = stamper.stamp(text)
    sizes = pack_u32(text.sizes)
    lengths = text.sizes
    if cuts:
        lengths = text.sizes.copy()
        for cut in cuts:
            lengths[cut.line] = cut.file_bytes
    return Chunk(
        source=source,
        observed_ns=observed_ns,
        start=start,
        lengths=pack_u32(lengths) if cuts else sizes,
        payload=payload,
        sizes=sizes if cuts else b"",
        cut={cut.line: cut.lost_bytes for cut in cuts if cut.lost_bytes},
        ids=stamps.ids,
        origins=stamps.origins,
        aliases=stamps.aliases,
    )
