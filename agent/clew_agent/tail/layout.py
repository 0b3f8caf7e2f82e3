"""How container runtimes write lines: what a part of a line looks like, and how parts are made one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["CRI", "DOCKER", "Layout", "Part", "layout_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the file, taken apart: `head + text + rest` is what it was."""

    stream: bytes
    complete: bool
    """It ends the line that was written."""
    head: bytes
    text: bytes
    rest: bytes


class Layout(Protocol):
    """A runtime's way of writing."""

    def whole(self, payload: bytes) -> bool:
        """Whether there is surely no part in these lines. Quick."""

    def take_apart(self, line: bytes) -> Part | None:
        """Return what a line is, None if it is not of this layout."""

    def join(self, parts: Sequence[Part]) -> bytes:
        """Return one line of all the text, with the time of the first part."""


class _Cri:
    """`TIME STREAM P|F[:TAG...] TEXT`: the Container Runtime Interface, as the kubelet reads it."""

    _LINE = re.compile(rb"(\S+ (stdout|stderr) )([PF])((?::\S*)? )([^\n]*)(\n?)")

    def whole(self, payload: bytes) -> bool:
        return b" stdout P" not in payload and b" stderr P" not in payload

    def take_apart(self, line: bytes) -> Part | None:
        found = self._LINE.fullmatch(line)
        if not found:
            return None
        head, stream, tag, tags, text, end = found.groups()
        return Part(stream, tag == b"F", head + tag + tags, text, end)

    def join(self, parts: Sequence[Part]) -> bytes:
        first, last = parts[0], parts[-1]
        head = first.head
        if last.complete and not first.complete:
            at = head.index(b" P", head.index(b" ") + 1) + 1
            head = head[:at] + b"F" + head[at + 1 :]
        return b"".join([head, *(part.text for part in parts), last.rest])


class _Docker:
    r"""`{"log":"TEXT","stream":"STREAM",...}`: the json-file driver; a text without `\n` at its end is a part."""

    _LINE = re.compile(rb'(\{"log":")((?:[^"\\]|\\.)*)(","stream":"(\w+)".*\n?)', re.DOTALL)
    _END = re.compile(rb"(?:\A|[^\\])(?:\\\\)*\\n\Z")

    def whole(self, payload: bytes) -> bool:
        ends = payload.count(b'\\n","stream":"')
        return ends == payload.count(b"\n") and b'\\\\n","stream":"' not in payload

    def take_apart(self, line: bytes) -> Part | None:
        found = self._LINE.fullmatch(line)
        if not found:
            return None
        head, text, rest, stream = found.groups()
        return Part(stream, self._END.search(text[-64:]) is not None, head, text, rest)

    def join(self, parts: Sequence[Part]) -> bytes:
        rest = parts[0].rest.removesuffix(b"\n") + parts[-1].rest[len(parts[-1].rest.rstrip(b"\n")) :]
        return b"".join([parts[0].head, *(part.text for part in parts), rest])


CRI: Layout = _Cri()
DOCKER: Layout = _Docker()
_CRI_BEGINS = re.compile(rb"\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [PF][ :]")


def layout_of(head: bytes, join: Literal["cri", "all", "none"]) -> Layout | None:
    """Return the layout of a file that begins so, None if it has no parts that are to be joined."""
    if join == "all" and head.startswith(b'{"log":"'):
        return DOCKER
    return CRI if join != "none" and _CRI_BEGINS.match(head) else None
