"""The HTTP form of the wire: paths, content type, and how several chunks share one request."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew_agent.errors import ChunkError

__all__ = [
    "CHUNKS_PATH",
    "CONTENT_TYPE",
    "HEARTBEAT_PATH",
    "TIME_PATH",
    "ChunksAnswer",
    "TimeAnswer",
    "decode_frames",
    "encode_frames",
]

CHUNKS_PATH = "/ingest/v1/chunks"
HEARTBEAT_PATH = "/ingest/v1/heartbeat"
TIME_PATH = "/v1/time"
CONTENT_TYPE = "application/vnd.clew.chunks+msgpack"

_frames = msgspec.msgpack.Decoder(list[bytes])


class ChunksAnswer(msgspec.Struct, frozen=True):
    """The collector's 200: everything in the request is durable. Counts are lines."""

    accepted: int
    duplicate: int


class TimeAnswer(msgspec.Struct, frozen=True):
    """What a collector's clock said, ns UTC, when a request for the time came and when it was answered."""

    received_ns: int
    answered_ns: int


def encode_frames(chunks: Sequence[bytes]) -> bytes:
    """Return the request body for encoded chunks: a msgpack array of binaries."""
    return msgspec.msgpack.encode(list(chunks))


def decode_frames(body: bytes) -> list[bytes]:
    """Return the encoded chunks in a request body; ChunkError if it is not one."""
    try:
        return _frames.decode(body)
    except msgspec.MsgspecError as error:
        raise ChunkError(f"the body is not a msgpack array of chunks: {error}") from error
