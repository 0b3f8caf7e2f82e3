"""Compressed files: their content is what is in them, unpacked to a file without a name in the agent's directory."""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path

__all__ = ["IncompleteArchive", "TooLarge", "is_packed", "unpack"]

_MAGIC = b"\x1f\x8b\x08"
_STEP = 1 << 17
_GZIP = 16 + zlib.MAX_WBITS


class IncompleteArchive(Exception):
    """It ends too early: somebody is still writing it, or never finished. Or it is damaged."""


class TooLarge(Exception):
    """There is more in it than may be unpacked."""


def is_packed(fd: int) -> bool:
    """Whether an open file begins like one of gzip's (RFC 1952)."""
    return os.pread(fd, len(_MAGIC), 0) == _MAGIC


def unpack(fd: int, directory: Path, *, bytes_max: int) -> int:
    """Return a descriptor of the content, a file of its own. IncompleteArchive, TooLarge, OSError.

    Several members one after the other are one content, as for `gzip -d`.
    """
    with tempfile.TemporaryFile(dir=directory) as spool:
        at = size = 0
        member = zlib.decompressobj(_GZIP)
        while data := os.pread(fd, _STEP, at):
            at += len(data)
            while data:
                if member.eof:
                    if not data.startswith(_MAGIC[:1]):
                        break  # padding
                    member = zlib.decompressobj(_GZIP)
                try:
                    piece = member.decompress(data, _STEP)
                except zlib.error as error:
                    raise IncompleteArchive(str(error)) from error
                size += len(piece)
                if size > bytes_max:
                    raise TooLarge
                spool.write(piece)
                data = member.unused_data if member.eof else member.unconsumed_tail
        if not member.eof:
            raise IncompleteArchive("it ends too early")
        spool.flush()
        return os.dup(spool.fileno())
