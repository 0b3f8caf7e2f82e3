"""Whether a file is the copy of another one's content: by copytruncate, rsync or gzip.

A copy is known by its name, its first line, and the bytes before a place up to which the original was read. Names must
be related, because files of one service begin alike and small ones are equal by accident; in doubt it is no copy, for a
line that comes twice can be told, one that is lost cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import Enum

from .identity import TAIL_BYTES, FileIdentity, Mark, begins_so, digest

__all__ = ["REPLACED_BYTES_MIN", "Resemblance", "related", "resemblance", "same_bytes"]

REPLACED_BYTES_MIN = 256
"""So much must have been read of a file for another one under the same name to pass for its continuation."""


class Resemblance(Enum):
    """What another file has of a known content. Its first line is the same."""

    NONE = "none"
    WHOLE = "whole"
    """All that was read, and perhaps more."""
    PART = "part"
    """Less than was read, but what it has is the same."""


def related(original: str, other: str) -> bool:
    """Whether rotation may have made `other` of `original`: `app.log.1`, `app-20261124.log.gz` of `app.log`."""
    # As strings: many are compared, and taking paths apart as such would take most of the time.
    name, base = other.rpartition("/")[2], original.rpartition("/")[2]
    stem = base.rpartition(".")[0] or base
    return name.startswith(stem) and not name[len(stem) : len(stem) + 1].isalnum()


def resemblance(fd: int, known: FileIdentity, marks: Iterable[Mark] = ()) -> Resemblance:
    """Compare an open file with what was read: at its end, or, if the file is shorter, at one of the `marks`.

    The first line alone says nothing: every content of a service may begin with it.
    """
    size = os.fstat(fd).st_size
    if max(known.offset, known.head_bytes) <= known.fingerprint_bytes or not begins_so(fd, known):
        return Resemblance.NONE
    if size >= known.offset:
        return Resemblance.WHOLE if _agrees(fd, Mark(known.offset, known.tail)) else Resemblance.NONE
    told = (mark for mark in marks if known.fingerprint_bytes < mark.offset <= size)
    return Resemblance.PART if any(_agrees(fd, mark) for mark in told) else Resemblance.NONE


def same_bytes(fd: int, other: int, end: int) -> bool:
    """Whether two open files have the same bytes before `end`, as far as `TAIL_BYTES` can say."""
    length = min(end, TAIL_BYTES)
    return os.pread(fd, length, end - length) == os.pread(other, length, end - length)


def _agrees(fd: int, mark: Mark) -> bool:
    length = min(mark.offset, TAIL_BYTES)
    return digest(os.pread(fd, length, mark.offset - length)) == mark.tail
