"""What the ingest API lets in: how large, how much at once, and whether it is chunks at all. Decisions only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import zstandard

from clew_agent.errors import ChunkError, ClewError
from clew_agent.wire import Chunk, decode_chunk, decode_frames

__all__ = ["Frames", "InFlight", "Refused", "decode", "unpack"]


class Refused(ClewError):
    """The request is not taken. `status` is HTTP's; `reason` is the metric's label."""

    def __init__(self, status: int, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Frames:
    """A request's chunks as they came, and the bytes that they say they need decompressed."""

    encoded: tuple[bytes, ...]
    decoded_bytes: int


class InFlight:
    """Counts the bytes of requests under way."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self._bytes_max = bytes_max

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Count `size` bytes while the context is open; Refused (429) if they are too many with the others."""
        if self.bytes + size > self._bytes_max:
            raise Refused(
                429, "in_flight", f"requests of {self.bytes} bytes are under way", hint="send again after Retry-After"
            )
        self.bytes += size
        try:
            yield
        finally:
            self.bytes -= size


def unpack(body: bytes, *, decoded_bytes_max: int) -> Frames:
    """Return the chunks of a request's body, still compressed; Refused with 400 or 413."""
    try:
        encoded = tuple(decode_frames(body))
        # Each chunk is bounded by itself; their sum is bounded before the first is decompressed.
        size = sum(max(0, zstandard.frame_content_size(frame[4:68])) for frame in encoded)
    except ChunkError as error:
        raise Refused(400, "no_chunk", error.message, hint=error.hint) from error
    except zstandard.ZstdError as error:
        raise Refused(400, "no_chunk", f"the body holds something that is not a chunk: {error}") from error
    if size > decoded_bytes_max:
        raise Refused(
            413,
            "too_large",
            f"the chunks need {size} bytes, at most {decoded_bytes_max} are taken at once",
            hint="send fewer chunks in a request, or raise the collector's `decoded_bytes_max`",
        )
    return Frames(encoded, size)


def decode(frames: Frames) -> tuple[Chunk, ...]:
    """Return the chunks, all or none: Refused with 400 if one is not a chunk."""
    try:
        return tuple(decode_chunk(frame) for frame in frames.encoded)
    except ChunkError as error:
        raise Refused(400, "no_chunk", error.message, hint=error.hint) from error
