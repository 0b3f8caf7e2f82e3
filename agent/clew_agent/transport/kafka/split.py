"""Lines of files into partitions: all lines of one transaction come into one, in file order.

By column, over all chunks of a file that are sent together: they become one chunk a partition. Its lines do not follow
each other in the file any more, which is what a chunk's `offsets` say.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from operator import add, eq, itemgetter
from typing import Any, NamedTuple, TypeVar

import msgspec

from clew_agent.wire import Chunk, Origin, pack_u32, pack_u64, partitions_of, unpack_u32

__all__ = ["split_by_partition"]

T = TypeVar("T")
ID_BYTES = 16
_NO_ID = bytes(ID_BYTES)


def split_by_partition(chunks: Sequence[Chunk], partitions: int) -> dict[int, list[Chunk]]:
    """Return the same lines as chunks of the partitions that they belong to; partitions without any are not there."""
    if partitions == 1:
        return {0: list(chunks)}
    parts: dict[int, list[Chunk]] = {}
    for of_one_file in _follow_each_other(chunks):
        for partition, chunk in _split(of_one_file, partitions):
            parts.setdefault(partition, []).append(chunk)
    return parts


def _follow_each_other(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Yield the chunks that can be one: of one file, one behind the other."""
    groups: dict[bytes, list[Chunk]] = {}
    for chunk in chunks:
        group = groups.setdefault(chunk.source.file_id, [])
        if group and (group[-1].source != chunk.source or group[-1].end > chunk.start):
            yield group
            groups[chunk.source.file_id] = group = []
        group.append(chunk)
    yield from groups.values()


class _Lines(NamedTuple):
    """The lines of several chunks by column, one item a line; empty where no line has other than the default."""

    offsets: list[int]
    lengths: list[int]
    texts: list[bytes]
    resized: bool
    """Some texts have other sizes than their lengths."""
    ids: list[bytes]
    origins: bytes
    aliases: dict[int, tuple[str, ...]]
    cut: dict[int, int]


def _split(chunks: Sequence[Chunk], partitions: int) -> Iterator[tuple[int, Chunk]]:
    lines = _gather(chunks)
    keys = _keys(chunks[0].source.file_id, lines)
    table = partitions_of(list(dict.fromkeys(keys)), partitions)
    rows: list[list[int]] = [[] for _ in range(partitions)]
    for row, key in enumerate(keys):
        rows[table[key]].append(row)
    for partition, some in enumerate(rows):
        if some:
            yield partition, _pick(chunks[0], lines, some)


def _gather(chunks: Sequence[Chunk]) -> _Lines:
    aliases: dict[int, tuple[str, ...]] = {}
    cut: dict[int, int] = {}
    before = 0
    for chunk in chunks:
        aliases |= {before + row: names for row, names in chunk.aliases.items()}
        cut |= {before + row: lost for row, lost in chunk.cut.items()}
        before += chunk.count
    stamped = any(chunk.origins for chunk in chunks)
    return _Lines(
        offsets=[*chain.from_iterable(chunk.line_offsets() for chunk in chunks)],
        lengths=[*chain.from_iterable(unpack_u32(chunk.lengths) for chunk in chunks)],
        texts=[*chain.from_iterable(_cut_up(c.payload, unpack_u32(c.sizes or c.lengths)) for c in chunks)],
        resized=any(chunk.sizes for chunk in chunks),
        ids=[*chain.from_iterable(_ids(chunk) for chunk in chunks)] if stamped else [],
        origins=b"".join(chunk.origins or bytes(chunk.count) for chunk in chunks) if stamped else b"",
        aliases=aliases,
        cut=cut,
    )


def _cut_up(payload: bytes, sizes: array[int]) -> list[bytes]:
    ends = list(accumulate(sizes))
    return [payload[start:end] for start, end in zip(chain((0,), ends), ends, strict=False)]


def _ids(chunk: Chunk) -> list[bytes]:
    if not chunk.ids:
        return [_NO_ID] * chunk.count
    ids = chunk.ids
    return [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]


def _keys(file_id: bytes, lines: _Lines) -> list[bytes]:
    """Return each line's transaction id; where it was generated, that is its event id."""
    if not lines.origins:
        return [file_id + offset.to_bytes(6, "big") for offset in lines.offsets]
    if Origin.GENERATED not in lines.origins:
        return lines.ids
    return [
        key if origin else file_id + offset.to_bytes(6, "big")
        for key, origin, offset in zip(lines.ids, lines.origins, lines.offsets, strict=True)
    ]


def _pick(like: Chunk, lines: _Lines, rows: Sequence[int]) -> Chunk:
    """Return the chunk of these lines."""
    pick = _picker(rows)
    offsets, lengths, texts = pick(lines.offsets), pick(lines.lengths), pick(lines.texts)
    gapless = all(map(eq, map(add, offsets, lengths), offsets[1:]))
    origins = bytes(pick(lines.origins)) if lines.origins else b""
    stamped = any(origins)
    aliases, cut = lines.aliases, lines.cut
    return msgspec.structs.replace(
        like,
        start=offsets[0],
        lengths=pack_u32(lengths),
        payload=b"".join(texts),
        sizes=pack_u32([len(text) for text in texts]) if lines.resized else b"",
        offsets=b"" if gapless else pack_u64(offsets),
        ids=b"".join(pick(lines.ids)) if stamped else b"",
        origins=origins if stamped else b"",
        aliases={n: aliases[row] for n, row in enumerate(rows) if row in aliases} if aliases else {},
        cut={n: cut[row] for n, row in enumerate(rows) if row in cut} if cut else {},
    )


def _picker(rows: Sequence[int]) -> Callable[[Sequence[T]], Sequence[T]]:
    if len(rows) == 1:
        return lambda column: (column[rows[0]],)
    pick: Any = itemgetter(*rows)
    return pick  # type: ignore[no-any-return]
