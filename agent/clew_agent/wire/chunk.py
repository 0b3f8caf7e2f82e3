"""A chunk: lines of one file, by column. The unit that agents ship, logs keep and stores number.

On the wire (docs/adr/0001-wire-format.md): four bytes `CLW1`, then a zstd frame with content size and checksum,
in it the msgpack map of `Chunk`. Integer columns are packed little-endian. A line's bytes are kept as they stood in
the file, terminator included, so a read of the file is the payload without a copy per line.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import NamedTuple

import msgspec
import zstandard

from clew_agent.errors import ChunkError

from .event_id import FILE_ID_BYTES, event_id
from .transaction_id import NO_TRANSACTION, Origin

__all__ = [
    "CHUNK_BYTES_MAX",
    "CHUNK_LINES_MAX",
    "Chunk",
    "Line",
    "Source",
    "SourceKind",
    "decode_chunk",
    "encode_chunk",
    "pack_u32",
    "pack_u64",
    "unpack_u32",
    "unpack_u64",
]

MAGIC = b"CLW1"
# Hostile input must not make a receiver allocate more than this for one chunk, in bytes, after decompression.
CHUNK_BYTES_MAX = 32 << 20
CHUNK_LINES_MAX = 1 << 20
RESOURCE_CHARACTERS_MAX = 1 << 14
ID_BYTES = 16
# The farther below 0, the less zstd looks for what repeats; at its lowest level it looks for nothing.
_STORED = -(1 << 17)


class SourceKind(IntEnum):
    """What the lines of a chunk are."""

    FILE = 0
    """Lines of a file."""
    OTLP_LOGS = 1
    """Records of an OTLP request: each a `ResourceLogs` message with one log record. The file is the request."""
    OTLP_SPANS = 2
    """The same with `ResourceSpans` and a span."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The file that lines came from, and who wrote it."""

    file_id: bytes
    path: str
    host: str
    service: str
    instance: str = ""
    modified_ns: int = 0
    """The file's modification time when it was read, ns UTC: gives the year to formats that have none."""
    kind: SourceKind = SourceKind.FILE
    resource: dict[str, str] = {}
    """What more is known of the writer, by the names of OpenTelemetry's resources: `k8s.pod.name`."""


class Line(NamedTuple):
    """One line of a chunk."""

    offset: int
    length: int
    raw: bytes
    """The line without its terminator; shorter than `length` if it was cut."""
    transaction_id: str
    origin: int
    aliases: tuple[str, ...]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one file, in file order, by column. `n` below is the number of lines."""

    source: Source
    observed_ns: int
    """When the agent read them, ns UTC."""
    start: int
    """Byte offset of the first line in the file."""
    lengths: bytes
    """n × u32: the bytes each line took in the file, terminator included."""
    payload: bytes
    """The lines' bytes, one after the other."""
    sizes: bytes = b""
    """n × u32: the bytes each line has in `payload`; empty when equal to `lengths`. They differ where a line was cut,
    joined of parts, or written in another encoding."""
    offsets: bytes = b""
    """n × u64: where each line begins in the file; empty when the lines follow each other without a gap."""
    ids: bytes = b""
    """n × 16 bytes: transaction ids; zeros, or an empty column, where generated: then it is the event id."""
    origins: bytes = b""
    """n × u8 `Origin`; empty when all are generated."""
    aliases: dict[int, tuple[str, ...]] = {}
    """Line number -> the ids as written, where the line has other ids than its transaction id."""
    cut: dict[int, int] = {}
    """Line number -> how many of its bytes were cut off and are kept nowhere."""

    @property
    def count(self) -> int:
        """How many lines."""
        return len(self.lengths) // 4

    @property
    def end(self) -> int:
        """Byte offset behind the last line."""
        if not self.count:
            return self.start
        if self.offsets:
            return unpack_u64(self.offsets)[-1] + unpack_u32(self.lengths)[-1]
        return self.start + sum(unpack_u32(self.lengths))

    def line_offsets(self) -> list[int]:
        """Return where each line begins in the file."""
        if self.offsets:
            return list(unpack_u64(self.offsets))
        return list(accumulate(unpack_u32(self.lengths)[:-1], initial=self.start)) if self.count else []

    def lines(self) -> Iterator[Line]:
        """Yield the lines with their ids; for readers, never on the agent's hot path."""
        lengths = unpack_u32(self.lengths)
        sizes = unpack_u32(self.sizes) if self.sizes else lengths
        at = 0
        for i, (offset, length, size) in enumerate(zip(self.line_offsets(), lengths, sizes, strict=True)):
            raw = self.payload[at : at + size]
            at += size
            if raw.endswith(b"\n"):
                raw = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
            hex_id = self.ids[i * ID_BYTES : (i + 1) * ID_BYTES].hex() if self.ids else NO_TRANSACTION
            origin = self.origins[i] if self.origins else Origin.GENERATED
            if origin == Origin.GENERATED:
                hex_id = event_id(self.source.file_id, offset)
            yield Line(offset, length, raw, hex_id, origin, self.aliases.get(i, ()))

    def select(self, first: int, last: int) -> Chunk:
        """Return the chunk of the lines `first` <= i < `last`."""
        lengths = unpack_u32(self.lengths)
        sizes = unpack_u32(self.sizes) if self.sizes else lengths
        at = sum(sizes[:first])
        return msgspec.structs.replace(
            self,
            start=self.line_offsets()[first] if first < last else self.start,
            lengths=self.lengths[4 * first : 4 * last],
            payload=self.payload[at : at + sum(sizes[first:last])],
            sizes=self.sizes[4 * first : 4 * last],
            offsets=self.offsets[8 * first : 8 * last],
            ids=self.ids[ID_BYTES * first : ID_BYTES * last],
            origins=self.origins[first:last],
            aliases={i - first: names for i, names in self.aliases.items() if first <= i < last},
            cut={i - first: lost for i, lost in self.cut.items() if first <= i < last},
        )


def pack_u32(values: Sequence[int]) -> bytes:
    """Pack into little-endian u32."""
    return _little_endian(array("I", values)).tobytes()


def pack_u64(values: Sequence[int]) -> bytes:
    """Pack into little-endian u64."""
    return _little_endian(array("Q", values)).tobytes()


def unpack_u32(column: bytes) -> array[int]:
    """Unpack little-endian u32."""
    return _little_endian(array("I", column))


def unpack_u64(column: bytes) -> array[int]:
    """Unpack little-endian u64."""
    return _little_endian(array("Q", column))


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Chunk)


def encode_chunk(chunk: Chunk, *, level: int = 1) -> bytes:
    """Return the chunk's bytes on the wire; `level` is zstd's, or 0 for a frame of bytes as they are."""
    # zstd's own 0 is its default, 3. A compressor per call: zstandard's objects must not be shared between threads.
    compressor = zstandard.ZstdCompressor(level=level or _STORED, write_checksum=True, write_content_size=True)
    return MAGIC + compressor.compress(_encoder.encode(chunk))


def decode_chunk(data: bytes, *, bytes_max: int = CHUNK_BYTES_MAX) -> Chunk:
    """Return the chunk of these bytes; ChunkError if they are not one, or it needs more than `bytes_max` bytes."""
    if data[:4] != MAGIC:
        raise ChunkError(
            "these bytes are not a chunk: they do not begin with CLW1",
            hint="send what `clew agent` sends, or use the OTLP endpoints",
        )
    frame = data[4:]
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= bytes_max:
            raise ChunkError(f"the chunk says it needs {size} bytes, at most {bytes_max} are taken")
        chunk = _decoder.decode(zstandard.ZstdDecompressor().decompress(frame, max_output_size=bytes_max))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise ChunkError(f"these bytes are not a whole chunk: {error}") from error
    _check(chunk)
    return chunk


def _check(chunk: Chunk) -> None:
    n = chunk.count
    expected = {"lengths": 4, "sizes": 4, "offsets": 8, "ids": ID_BYTES, "origins": 1}
    for name, width in expected.items():
        column: bytes = getattr(chunk, name)
        if len(column) != n * width and (column or name == "lengths"):
            raise ChunkError(f"the chunk's column {name} has {len(column)} bytes, {n} lines need {n * width}")
    if n == 0 or n > CHUNK_LINES_MAX:
        raise ChunkError(f"a chunk has 1 to {CHUNK_LINES_MAX} lines, this one says {n}")
    if len(chunk.source.file_id) != FILE_ID_BYTES:
        raise ChunkError(f"a file id has {FILE_ID_BYTES} bytes, not {len(chunk.source.file_id)}")
    if sum(map(len, (*chunk.source.resource, *chunk.source.resource.values()))) > RESOURCE_CHARACTERS_MAX:
        raise ChunkError(f"a chunk says at most {RESOURCE_CHARACTERS_MAX} characters about who wrote it")
    lengths = unpack_u32(chunk.lengths)
    if sum(unpack_u32(chunk.sizes or chunk.lengths)) != len(chunk.payload):
        raise ChunkError(f"the chunk's sizes do not sum to its payload of {len(chunk.payload)} bytes")
    if min(lengths) == 0 or chunk.start < 0 or chunk.end >= 1 << 48:
        raise ChunkError("the chunk's lines do not lie in a file of at most 256 TiB")
    if chunk.offsets:
        offsets = unpack_u64(chunk.offsets)
        if offsets[0] != chunk.start or any(
            a + size > b for a, b, size in zip(offsets, offsets[1:], lengths, strict=False)
        ):
            raise ChunkError("the chunk's lines overlap or are not in file order")
    if max(chunk.origins, default=0) > max(Origin):
        raise ChunkError("the chunk names an origin that does not exist")
    if any(not 0 <= i < n for i in chunk.aliases):
        raise ChunkError("the chunk names an alias of a line that it does not have")
    if any(not 0 <= i < n or lost <= 0 for i, lost in chunk.cut.items()):
        raise ChunkError("the chunk says that a line was cut which it does not have, or by nothing")
