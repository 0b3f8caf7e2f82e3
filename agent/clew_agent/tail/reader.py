"""Whole lines from an open file: one read, one search for the last line's end, no call per line.

A line without its end waits. A line over the limit is cut: its head is read again once its end is known, so that even a
line of gigabytes costs no more memory than one read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from clew_agent.stamp import Cut

from .identity import TAIL_BYTES, Verdict, digest

__all__ = ["Block", "Changed", "Deferred", "LineReader"]

# A line's length is a u32 on the wire; what has no line end for so long is cut there.
LINE_SPAN_MAX = 1 << 31


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: `start` <= byte < `end` of the file, of which `payload` has all but what was cut."""

    start: int
    end: int
    payload: bytes
    tail: bytes
    """Digest of the bytes before `end`, see `FileIdentity.tail`."""
    cuts: tuple[Cut, ...] = ()
    cut_bytes: int = 0
    """How many bytes were cut off."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The content is no longer the one that was read before."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Deferred:
    """The next line is complete, but longer than there is room for now."""


class _Mark(NamedTuple):
    """A place in the file and the digest of the bytes before it, by which it is recognised."""

    offset: int
    tail: bytes


class LineReader:
    """Reads an open file from a place on; does not own the descriptor."""

    def __init__(self, fd: int, *, offset: int, tail: bytes, read_bytes_max: int, line_bytes_max: int) -> None:
        self._fd = fd
        self._read_max = read_bytes_max
        self._line_max = line_bytes_max
        self._read = _Mark(offset, tail)
        self._searched = self._read
        """No line ends between `_read` and here."""

    @property
    def offset(self) -> int:
        """Everything before it was returned by `read`."""
        return self._read.offset

    @property
    def reached(self) -> int:
        """Everything before it was looked at; what lies between `offset` and here has no line end yet."""
        return self._searched.offset

    @property
    def tail(self) -> bytes:
        """Digest of the bytes before `offset`."""
        return self._read.tail

    def read(self, *, room: int, at_end: bool = False) -> Block | Changed | Deferred | None:
        """Return the next lines, Changed if what was read before is no longer there, None while no line is complete.

        A block has at most `read_bytes_max` bytes, or is one line of at most `line_bytes_max`; Deferred if that one has
        no `room`. `at_end`: nothing will follow, so that a last line without terminator is returned too.
        """
        while True:
            size = os.fstat(self._fd).st_size
            if size < self._searched.offset:
                return Changed(Verdict.TRUNCATED)
            waiting = self._searched.offset - self._read.offset
            within = waiting < self._read_max
            want = min(self._read_max - waiting if within else self._read_max, size - self._searched.offset)
            lead = min(self._searched.offset, TAIL_BYTES)
            data = os.pread(self._fd, lead + want, self._searched.offset - lead)
            if digest(data[:lead]) != self._searched.tail:
                return Changed(Verdict.REPLACED)
            last = data.rfind(b"\n", lead) + 1
            if last and within:
                return self._lines(data, lead, last, at_eof=self._searched.offset + len(data) - lead >= size)
            if last:
                first = data.find(b"\n", lead) + 1
                return self._one_line(self._place(data, lead, first), terminated=True, room=room)
            self._searched = self._place(data, lead, len(data))
            span = self._searched.offset - self._read.offset
            at_eof = self._searched.offset >= size
            if span >= LINE_SPAN_MAX or (at_end and at_eof and span):
                return self._one_line(self._searched, terminated=False, room=room)
            if at_eof:
                return None

    def _place(self, data: bytes, lead: int, end: int) -> _Mark:
        """Return the mark at data[end], where data[lead] is the byte at `_searched`."""
        return _Mark(self._searched.offset + end - lead, digest(data[max(0, end - TAIL_BYTES) : end]))

    def _lines(self, data: bytes, lead: int, last: int, *, at_eof: bool) -> Block | Changed:
        start = self._read.offset
        waiting = self._searched.offset - start
        head = os.pread(self._fd, waiting, start) if waiting else b""
        if len(head) < waiting:
            return Changed(Verdict.TRUNCATED)
        self._read = self._place(data, lead, last)
        # What stands behind the last line's end need not be searched again, unless more of it comes at once.
        self._searched = self._place(data, lead, len(data)) if at_eof else self._read
        payload = head + data[lead:last] if head else data[lead:last]
        kept, cuts = _cut_long_lines(payload, self._line_max) if len(payload) > self._line_max else (payload, ())
        return Block(start, self._read.offset, kept, self._read.tail, cuts, len(payload) - len(kept))

    def _one_line(self, end: _Mark, *, terminated: bool, room: int) -> Block | Changed | Deferred:
        start = self._read.offset
        length = end.offset - start
        cut = length > self._line_max
        kept = self._line_max - 1 if cut else length
        if kept > room:
            return Deferred()
        payload = os.pread(self._fd, kept, start)
        if len(payload) < kept:
            return Changed(Verdict.TRUNCATED)
        self._read = self._searched = end
        if not cut:
            return Block(start, end.offset, payload, end.tail)
        return Block(start, end.offset, payload + b"\n", end.tail, (Cut(0, length),), length - kept - int(terminated))


def _cut_long_lines(payload: bytes, line_max: int) -> tuple[bytes, tuple[Cut, ...]]:
    """Return the payload with its over-long lines cut to `line_max` bytes, line end included.

    Jumps from line end to line end as far as the limit allows, so lines are not looked at one by one.
    """
    parts: list[bytes] = []
    cuts: list[Cut] = []
    at = kept = line = 0
    while at < len(payload):
        end = payload.rfind(b"\n", at, at + line_max) + 1
        if not end and len(payload) - at > line_max:
            end = payload.find(b"\n", at) + 1 or len(payload)
            line += payload.count(b"\n", kept, at)
            cuts.append(Cut(line, end - at))
            parts += (payload[kept : at + line_max - 1], b"\n")
            line += 1
            kept = end
        at = end or len(payload)
    return (b"".join([*parts, payload[kept:]]), tuple(cuts)) if cuts else (payload, ())
