"""Which content a file is: the one read before, or another under the same inode.

A file is known by device and inode, by the hash of its first line (the part of it that was there; it does not change
while a file grows) and by the hash of the bytes before the offset that was read. Only if all agree is reading
continued: inodes are reused within milliseconds on ext4, log files of one service begin alike, and a truncated file may
be longer than before when it is looked at again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from clew_agent.wire import FINGERPRINT_BYTES_MAX

__all__ = [
    "TAIL_BYTES",
    "FileIdentity",
    "FileKey",
    "Mark",
    "Sighting",
    "Verdict",
    "begins_so",
    "digest",
    "first_line",
    "judge",
    "look",
]

TAIL_BYTES = 1024
_DIGEST_BYTES = 16


class FileKey(NamedTuple):
    """A file's place on its host; another file may get it later."""

    device: int
    inode: int


class Mark(NamedTuple):
    """A place in a file and the digest of the `TAIL_BYTES` bytes before it, by which it is recognised."""

    offset: int
    tail: bytes


class FileIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's content is recognised by. Digests are of `digest`."""

    device: int
    inode: int
    generation: int
    """How often the content under this inode was begun anew."""
    fingerprint: bytes
    """Digest of the first `fingerprint_bytes` bytes."""
    fingerprint_bytes: int
    head: bytes = b""
    """Digest of the first `head_bytes` bytes: what of the first KiB was there when reading began. Files with the same
    first line differ there, as long as nothing behind it was acknowledged that could tell them apart."""
    head_bytes: int = 0
    offset: int
    """Everything before it was read."""
    tail: bytes
    """Digest of the `TAIL_BYTES` bytes (fewer at the beginning of the file) before `offset`."""

    @property
    def key(self) -> FileKey:
        """Device and inode."""
        return FileKey(self.device, self.inode)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is there now under a known file's device and inode."""

    size: int
    same_fingerprint: bool
    same_tail: bool


class Verdict(Enum):
    """What to do with a file that was found."""

    NEW = "new"
    """Never seen: begin at 0."""
    CONTINUE = "continue"
    """The same content: go on at the offset."""
    TRUNCATED = "truncated"
    """Shorter than what was read: another generation, from 0."""
    REPLACED = "replaced"
    """As long, but with other content (inode reused, or truncated and rewritten): another generation, from 0."""


def judge(known: FileIdentity | None, seen: Sighting) -> Verdict:
    """Decide what a file is that was found under the device and inode of `known` (None: of no known file)."""
    if known is None:
        return Verdict.NEW
    if seen.size < max(known.offset, known.fingerprint_bytes, known.head_bytes):
        return Verdict.TRUNCATED
    if seen.same_fingerprint and seen.same_tail:
        return Verdict.CONTINUE
    return Verdict.REPLACED


def look(fd: int, known: FileIdentity) -> Sighting:
    """Read what `judge` needs to know about an open file."""
    size = os.fstat(fd).st_size
    length = min(known.offset, TAIL_BYTES)
    tail = os.pread(fd, length, known.offset - length)
    return Sighting(size, begins_so(fd, known), digest(tail) == known.tail)


def begins_so(fd: int, known: FileIdentity) -> bool:
    """Whether an open file has the first line, and the beginning, of a content."""
    head = os.pread(fd, max(known.fingerprint_bytes, known.head_bytes), 0)
    if digest(head[: known.fingerprint_bytes]) != known.fingerprint:
        return False
    return not known.head_bytes or digest(head[: known.head_bytes]) == known.head


def digest(data: bytes) -> bytes:
    """Return the 16 bytes that stand for these bytes; the checkpoint must not contain what people log."""
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()


def first_line(read_at: Callable[[int, int], bytes], *, at_end: bool = False) -> bytes | None:
    """Return the first line with its terminator, cut to `FINGERPRINT_BYTES_MAX`; None while it is not complete.

    `read_at(bytes, offset)` reads the file. `at_end`: nothing will follow, so that a line without terminator counts.
    """
    head = read_at(FINGERPRINT_BYTES_MAX, 0)
    end = head.find(b"\n") + 1
    if end or len(head) == FINGERPRINT_BYTES_MAX or (at_end and head):
        return head[: end or None]
    return None
