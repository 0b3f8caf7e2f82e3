"""Whole lines from an open file: one read, one search for the last line's end, no call per line.

A line without its end waits. A line over the limit is cut: its head is read again once its end is known, so that even a
line of gigabytes costs no more memory than one read. NULs that a line begins with are left out: they are the hole that
a writer makes who goes on at his old place in a file that was truncated. `Block.cuts` has all of a file's bytes.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from clew_agent.encoding import PLAIN, Encoding
from clew_agent.stamp import Cut

from .identity import TAIL_BYTES, Mark, Verdict, digest

__all__ = ["Block", "Changed", "Deferred", "LineReader"]

# A line's length is a u32 on the wire; what has no line end for so long is cut there.
LINE_SPAN_MAX = 1 << 31
MARKS_MAX = 16
_STEP = 1 << 16
_HOLES = re.compile(rb"(?:\A|(?<=\n))\0+")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: `start` <= byte < `end` of the file, of which `payload` has all but what was cut."""

    start: int
    end: int
    payload: bytes
    tail: bytes
    """Digest of the bytes before `end`, see `FileIdentity.tail`."""
    cuts: tuple[Cut, ...] = ()

    @property
    def cut_bytes(self) -> int:
        """How many bytes were cut off lines over the limit."""
        return sum(cut.lost_bytes for cut in self.cuts)


@dataclass(frozen=True, slots=True)
class Changed:
    """The content is no longer the one that was read before."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Deferred:
    """The next line is complete, but longer than there is room for now."""


class LineReader:
    """Reads an open file from a place on; does not own the descriptor."""

    def __init__(
        self,
        fd: int,
        *,
        offset: int,
        tail: bytes,
        read_bytes_max: int,
        line_bytes_max: int,
        encoding: Encoding = PLAIN,
    ) -> None:
        self._fd = fd
        self._read_max = read_bytes_max
        self._line_max = line_bytes_max
        self._encoding = encoding
        self._read = Mark(offset, tail)
        self._searched = self._read
        """No line ends between `_read` and here."""
        self._marks: deque[Mark] = deque([self._read], MARKS_MAX)

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

    @property
    def marks(self) -> Iterable[Mark]:
        """The places up to which the last calls of `read` went."""
        return self._marks

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
            shift, begin = lead - self._searched.offset, max(0, lead + 1 - self._encoding.width)
            last = self._encoding.last_end(data, begin, shift=shift)
            if last and within:
                return self._lines(data, lead, last, at_eof=self._searched.offset + len(data) - lead >= size)
            if last:
                first = self._encoding.first_end(data, begin, shift=shift)
                return self._one_line(self._place(data, lead, first), terminated=True, room=room)
            self._searched = self._place(data, lead, len(data))
            span = self._searched.offset - self._read.offset
            at_eof = self._searched.offset >= size
            if span >= LINE_SPAN_MAX or (at_end and at_eof and span):
                return self._one_line(self._searched, terminated=False, room=room)
            if at_eof:
                return None

    def _place(self, data: bytes, lead: int, end: int) -> Mark:
        """Return the mark at data[end], where data[lead] is the byte at `_searched`."""
        return Mark(self._searched.offset + end - lead, digest(data[max(0, end - TAIL_BYTES) : end]))

    def _lines(self, data: bytes, lead: int, last: int, *, at_eof: bool) -> Block | Changed:
        start = self._read.offset
        waiting = self._searched.offset - start
        head = os.pread(self._fd, waiting, start) if waiting else b""
        if len(head) < waiting:
            return Changed(Verdict.TRUNCATED)
        self._read = self._place(data, lead, last)
        # What stands behind the last line's end need not be searched again, unless more of it comes at once.
        self._searched = self._place(data, lead, len(data)) if at_eof else self._read
        self._marks.append(self._read)
        payload, cuts = self._shape(head + data[lead:last] if head else data[lead:last], start)
        if len(payload) <= self._line_max:
            return Block(start, self._read.offset, payload, self._read.tail, _in_order(cuts, {}))
        kept, long = _cut_long_lines(payload, self._line_max)
        lost = {cut.line: cut.lost_bytes for cut in long}
        cuts |= {cut.line: cuts.get(cut.line, cut.file_bytes) for cut in long}
        return Block(start, self._read.offset, kept, self._read.tail, _in_order(cuts, lost))

    def _shape(self, raw: bytes, start: int) -> tuple[bytes, dict[int, int]]:
        """Return whole lines as they are sent, and what those took in the file that were longer or shorter there."""
        if not self._encoding.plain:
            mark = max(0, self._encoding.mark_bytes - start)
            payload, cuts = self._encoding.to_utf8(raw[mark:])
            if mark:
                cuts = (Cut(0, cuts[0].file_bytes + mark), *cuts[1:])
            return payload, {cut.line: cut.file_bytes for cut in cuts}
        removed: dict[int, int] = {}
        if start < self._encoding.mark_bytes:
            mark = self._encoding.mark_bytes - start
            removed[0] = raw.find(b"\n") + 1
            raw = raw[mark:]
        return _without_holes(raw, removed) if b"\0" in raw else (raw, removed)

    def _one_line(self, end: Mark, *, terminated: bool, room: int) -> Block | Changed | Deferred:
        start = self._read.offset
        begin = self._skip_hole(max(start, self._encoding.mark_bytes), end.offset)
        length = end.offset - begin
        cut = length > self._line_max
        kept = self._line_max - 1 if cut else length
        if kept > room:
            return Deferred()
        raw = os.pread(self._fd, kept, begin)
        if len(raw) < kept:
            return Changed(Verdict.TRUNCATED)
        self._read = self._searched = end
        self._marks.append(end)
        payload = raw
        if not self._encoding.plain:
            payload = (
                raw[: len(raw) // self._encoding.width * self._encoding.width]
                .decode(self._encoding.name, "ignore" if cut else "replace")
                .encode()[: self._line_max]
            )
        if not payload or cut:
            payload += b"\n"
        if payload == raw and begin == start:
            return Block(start, end.offset, payload, end.tail)
        lost = length - kept - self._encoding.width * terminated if cut else 0
        return Block(start, end.offset, payload, end.tail, (Cut(0, end.offset - start, lost),))

    def _skip_hole(self, start: int, end: int) -> int:
        """Return where the NULs that the line begins with end."""
        at = start
        while self._encoding.plain and at < end:
            data = os.pread(self._fd, min(_STEP, end - at), at)
            rest = len(data.lstrip(b"\0"))
            at += len(data) - rest
            if rest or not data:
                break
        return at


def _without_holes(raw: bytes, removed: dict[int, int]) -> tuple[bytes, dict[int, int]]:
    """Return the lines without the NULs that they begin with; enters in `removed` what they took in the file."""
    parts: list[bytes] = []
    at = line = 0
    for hole in _HOLES.finditer(raw):
        line += raw.count(b"\n", at, hole.start())
        parts.append(raw[at : hole.start()])
        at = hole.end()
        end = raw.find(b"\n", at) + 1 or len(raw)
        removed[line] = removed.get(line, end - at) + (hole.end() - hole.start()) * (line not in removed)
    return b"".join([*parts, raw[at:]]), removed


def _in_order(cuts: dict[int, int], lost: dict[int, int]) -> tuple[Cut, ...]:
    return tuple(Cut(line, file_bytes, lost.get(line, 0)) for line, file_bytes in sorted(cuts.items()))


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
            cuts.append(Cut(line, end - at, end - at - line_max))
            parts += (payload[kept : at + line_max - 1], b"\n")
            line += 1
            kept = end
        at = end or len(payload)
    return (b"".join([*parts, payload[kept:]]), tuple(cuts)) if cuts else (payload, ())
