"""The HTTP form of the wire: paths, content type, and how several chunks share one request."""

from __future__ import annotations

import struct
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
    "frame_pieces",
]

CHUNKS_PATH = "/ingest/v1/chunks"
HEARTBEAT_PATH = "/ingest/v1/heartbeat"
TIME_PATH = "/v1/time"
CONTENT_TYPE = "application/vnd.clew.chunks+msgpack"

# msgpack's array and binary with lengths of 32 bits.
_ARRAY = _BINARY = struct.Struct(">BI")
_SMALL_BYTES = 1 << 16
"""Sending is a call to the system for each piece: below this size copying is cheaper."""

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
    return b"".join(frame_pieces(chunks))


def frame_pieces(chunks: Sequence[bytes]) -> list[bytes]:
    """Return the request body in pieces: a chunk that is not small is one of them, and is not copied."""
    pieces: list[bytes] = []
    small = bytearray(_ARRAY.pack(0xDD, len(chunks)))
    for chunk in chunks:
        small += _BINARY.pack(0xC6, len(chunk))
        if len(chunk) < _SMALL_BYTES:
            small += chunk
        else:
            pieces += (bytes(small), chunk)
            small.clear()
    return [*pieces, bytes(small)] if small else pieces


def decode_frames(body: bytes) -> list[bytes]:
    """Return the encoded chunks in a request body; ChunkError if it is not one."""
    try:
        return _frames.decode(body)
    except msgspec.MsgspecError as error:
        raise ChunkError(f"the body is not a msgpack array of chunks: {error}") from error
