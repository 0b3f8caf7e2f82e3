"""The wire contract: what agents send and collectors understand. The bottom layer; imports nothing else of Clew."""

from .chunk import (
    CHUNK_BYTES_MAX,
    CHUNK_LINES_MAX,
    Chunk,
    Line,
    Source,
    SourceKind,
    decode_chunk,
    encode_chunk,
    pack_u32,
    pack_u64,
    unpack_u32,
    unpack_u64,
)
from .event_id import FILE_ID_BYTES, FINGERPRINT_BYTES_MAX, event_id, file_id, split_event_id
from .heartbeat import ClockOffset, FileLedger, GivenUp, Heartbeat
from .http import (
    CHUNKS_PATH,
    CONTENT_TYPE,
    HEARTBEAT_PATH,
    TIME_PATH,
    ChunksAnswer,
    TimeAnswer,
    decode_frames,
    encode_frames,
)
from .partition import murmur2, partition_of, partitions_of
from .transaction_id import NO_TRANSACTION, Origin, canonical_transaction_id, map_alias

__all__ = [
    "CHUNKS_PATH",
    "CHUNK_BYTES_MAX",
    "CHUNK_LINES_MAX",
    "CONTENT_TYPE",
    "FILE_ID_BYTES",
    "FINGERPRINT_BYTES_MAX",
    "HEARTBEAT_PATH",
    "NO_TRANSACTION",
    "TIME_PATH",
    "Chunk",
    "ChunksAnswer",
    "ClockOffset",
    "FileLedger",
    "GivenUp",
    "Heartbeat",
    "Line",
    "Origin",
    "Source",
    "SourceKind",
    "TimeAnswer",
    "canonical_transaction_id",
    "decode_chunk",
    "decode_frames",
    "encode_chunk",
    "encode_frames",
    "event_id",
    "file_id",
    "map_alias",
    "murmur2",
    "pack_u32",
    "pack_u64",
    "partition_of",
    "partitions_of",
    "split_event_id",
    "unpack_u32",
    "unpack_u64",
]
