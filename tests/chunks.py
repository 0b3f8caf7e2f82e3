"""Chunks for tests: lines of made-up files, whose bytes follow from file and offset."""

from __future__ import annotations

from collections.abc import Sequence

from clew_agent.wire import Chunk, Source, pack_u32, pack_u64

FILE_A = bytes(range(10))
FILE_B = bytes(range(10, 20))


def source(file: bytes = FILE_A) -> Source:
    return Source(file_id=file, path=f"/var/log/{file.hex()}.log", host="h1", service="orders")


def chunk_of(lines: Sequence[bytes], *, start: int = 0, file: bytes = FILE_A, observed_ns: int = 1) -> Chunk:
    """Lines that follow each other in the file, each with its terminator."""
    return Chunk(
        source=source(file),
        observed_ns=observed_ns,
        start=start,
        lengths=pack_u32([len(line) for line in lines]),
        payload=b"".join(lines),
    )


def scattered(lines: Sequence[tuple[int, bytes]], *, file: bytes = FILE_A) -> Chunk:
    """Lines at given offsets, with gaps between."""
    return Chunk(
        source=source(file),
        observed_ns=1,
        start=lines[0][0],
        lengths=pack_u32([len(line) for _, line in lines]),
        payload=b"".join(line for _, line in lines),
        offsets=pack_u64([offset for offset, _ in lines]),
    )


def numbered(first: int, last: int, *, file: bytes = FILE_A, width: int = 16) -> Chunk:
    """Lines `first` <= i < `last` of a file whose lines all take `width` bytes."""
    lines = [b"INFO line %d".ljust(width + 1) % i for i in range(first, last)]
    return chunk_of([line[: width - 1] + b"\n" for line in lines], start=first * width, file=file)
