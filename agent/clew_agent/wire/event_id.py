"""Event ids: 128 bits, deterministic, so that the same line read twice is the same event.

An id is the file's identity (80 bits of BLAKE2b) followed by the line's byte offset in it (48 bits, big-endian).
Its order is therefore the order in the file, and no hash per line is needed: the id of every line of a chunk
follows from one file id and the column of offsets. See docs/adr/0003-deterministic-event-id.md.
"""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["FILE_ID_BYTES", "FINGERPRINT_BYTES_MAX", "event_id", "file_id", "split_event_id"]

FILE_ID_BYTES = 10
OFFSET_HEX_DIGITS = 12
FINGERPRINT_BYTES_MAX = 1024


def file_id(*, host: str, device: int, inode: int, generation: int, first_line: bytes) -> bytes:
    """Return the 10-byte identity of a file's content.

    `first_line` is the first line with its terminator, cut to `FINGERPRINT_BYTES_MAX` bytes: it does not change
    while the file grows. `generation` counts how often the content under one inode was begun anew.
    """
    digest = blake2b(digest_size=FILE_ID_BYTES, person=b"clew-file")
    digest.update(f"{host}\0{device}\0{inode}\0{generation}\0".encode())
    digest.update(first_line[:FINGERPRINT_BYTES_MAX])
    return digest.digest()


def event_id(file: bytes, offset: int) -> str:
    """Return the event id (32 hex digits) of the line that begins at byte `offset` of the file."""
    return f"{file.hex()}{offset:012x}"


def split_event_id(value: str) -> tuple[str, int]:
    """Return (file id as 20 hex digits, byte offset) of an event id; ValueError if it is not one."""
    if len(value) != 2 * FILE_ID_BYTES + OFFSET_HEX_DIGITS:
        raise ValueError(f"an event id has 32 hex digits, not {len(value)}")
    bytes.fromhex(value)
    return value[: 2 * FILE_ID_BYTES], int(value[2 * FILE_ID_BYTES :], 16)
