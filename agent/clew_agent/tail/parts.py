"""Making one line of the parts that container runtimes cut a long one into, stream by stream.

A line's parts may stand among lines of the other stream. What is sent must cover the file without a gap or overlap, so
that its acknowledgement is one offset: lines come in the order of their last parts, and each takes the bytes since the
one before. Nothing behind a part whose line is not complete is sent before it is: such a part waits as a half line
does, and after a crash it is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clew_agent.stamp import Cut

from .identity import Mark
from .layout import Layout, Part
from .reader import Block

__all__ = ["Completed", "PartJoiner"]


class _Raw(NamedTuple):
    line: bytes
    file_bytes: int
    lost_bytes: int = 0


class _Joined(NamedTuple):
    lines: list[bytes]
    lengths: list[int]
    lost: list[int]
    taken: int
    """How many of the raw lines they are made of."""


class Completed(NamedTuple):
    """A file's last line, made whole by the first lines of the file that came after."""

    block: Block
    head_bytes: int
    """So much of the other file belongs to it."""


class PartJoiner:
    """Joins the lines of one file. `tail_at` returns the digest that marks a place in it."""

    def __init__(self, layout: Layout, *, bytes_max: int, tail_at: Callable[[int], bytes]) -> None:
        self._layout = layout
        self._bytes_max = bytes_max
        self._tail_at = tail_at
        self._waiting: list[_Raw] = []
        self._start = 0

    @property
    def waits(self) -> bool:
        """There is a part whose line is not complete."""
        return bool(self._waiting)

    @property
    def mark(self) -> Mark:
        """Where what waits begins."""
        return Mark(self._start, self._tail_at(self._start))

    def add(self, block: Block) -> Block | None:
        """Return the lines that are complete now; None if none is."""
        if not self._waiting:
            if self._layout.whole(block.payload):
                return block
            self._start = block.start
        self._waiting += _raw_lines(block)
        joined = self._join(self._waiting)
        if not joined.taken:
            if sum(len(raw.line) for raw in self._waiting) < self._bytes_max:
                return None
            joined = self._join(self._waiting, unfinished=True)
        return self._block(joined)

    def flush(self) -> Block | None:
        """Return what waits, complete or not: nothing will follow."""
        return self._block(self._join(self._waiting, unfinished=True)) if self._waiting else None

    def complete(self, payload: bytes) -> Completed | None:
        """Return what waits, with as many of the other file's lines as it needs; None if they do not suffice."""
        here = len(self._waiting)
        lines = [_Raw(line + b"\n", len(line) + 1) for line in payload.split(b"\n")[:-1]]
        for count in range(1, len(lines) + 1):
            joined = self._join([*self._waiting, *lines[:count]])
            if joined.taken == here + count:
                head_bytes = sum(raw.file_bytes for raw in lines[:count])
                length = sum(raw.file_bytes for raw in self._waiting)
                # Each line needs a byte of this file to be known by.
                lengths = [*[1] * (len(joined.lines) - 1), length - len(joined.lines) + 1]
                self._waiting = self._waiting[:here]
                block = self._block(_Joined(joined.lines, lengths, joined.lost, here))
                assert block is not None
                return Completed(block, head_bytes)
        return None

    def _join(self, raw_lines: list[_Raw], *, unfinished: bool = False) -> _Joined:
        """Join lines up to the last place where no stream has a part that waits, or all."""
        pending: dict[bytes, list[Part]] = {}
        lines: list[bytes] = []
        lengths: list[int] = []
        lost: list[int] = []
        complete = taken = span = missing = 0
        for number, raw in enumerate(raw_lines, 1):
            span += raw.file_bytes
            missing += raw.lost_bytes
            part = self._layout.take_apart(raw.line)
            if part and not part.complete:
                pending.setdefault(part.stream, []).append(part)
                continue
            before = pending.pop(part.stream, []) if part else []
            lines.append(self._layout.join([*before, part]) if part and before else raw.line)
            lengths.append(span)
            lost.append(missing)
            span = missing = 0
            if not pending:
                complete, taken = len(lines), number
        if not unfinished:
            return _Joined(lines[:complete], lengths[:complete], lost[:complete], taken)
        for parts in pending.values():
            lines.append(self._layout.join(parts))
            lengths.append(span)
            lost.append(missing)
            span = missing = 0
        short = 0
        for i in reversed(range(len(lengths))):  # a line needs a byte of the file to be known by
            lengths[i] -= short
            short = max(0, 1 - lengths[i])
            lengths[i] += short
        return _Joined(lines, lengths, lost, len(raw_lines))

    def _block(self, joined: _Joined) -> Block | None:
        if not joined.taken:
            return None
        start, end = self._start, self._start + sum(joined.lengths)
        self._waiting = self._waiting[joined.taken :]
        self._start = end
        columns = enumerate(zip(joined.lines, joined.lengths, joined.lost, strict=True))
        cuts = tuple(Cut(i, length, lost) for i, (line, length, lost) in columns if len(line) != length or lost)
        return Block(start, end, b"".join(joined.lines), self._tail_at(end), cuts)


def _raw_lines(block: Block) -> list[_Raw]:
    cuts = {cut.line: cut for cut in block.cuts}
    raw: list[_Raw] = []
    for i, line in enumerate(_with_ends(block.payload)):
        cut = cuts.get(i, Cut(i, len(line)))
        raw.append(_Raw(line, cut.file_bytes, cut.lost_bytes))
    return raw


def _with_ends(payload: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in payload.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
