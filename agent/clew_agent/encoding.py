"""Lines in other encodings than UTF-8: where they end, and what they are in UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from clew_agent.stamp import Cut

__all__ = ["PLAIN", "Encoding", "encoding_of", "is_encoding"]

_UTF8_MARK = codecs.BOM_UTF8
_WIDE = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n", "utf-32-le": b"\n\0\0\0", "utf-32-be": b"\0\0\0\n"}
_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's characters are written."""

    name: str
    """Python's; empty for bytes that pass as they are."""
    newline: bytes = b"\n"
    mark_bytes: int = 0
    """How long the byte order mark at the beginning of the file is."""

    @property
    def plain(self) -> bool:
        """Bytes pass as they are."""
        return not self.name

    @property
    def width(self) -> int:
        """A line's end is so long, and begins at a multiple of it."""
        return len(self.newline)

    def last_end(self, data: bytes, start: int, *, shift: int) -> int:
        """Return where the last line in data[start:] ends, 0 if none does. data[shift] is at a character's edge."""
        if len(self.newline) == 1:
            return data.rfind(self.newline, start) + 1
        return self._aligned(data, start, shift, last=True)

    def first_end(self, data: bytes, start: int, *, shift: int) -> int:
        """Return where the first line in data[start:] ends, 0 if none does."""
        if len(self.newline) == 1:
            return data.find(self.newline, start) + 1
        return self._aligned(data, start, shift, last=False)

    def to_utf8(self, raw: bytes) -> tuple[bytes, tuple[Cut, ...]]:
        """Return whole lines in UTF-8, and how many bytes each had; what is no character becomes U+FFFD."""
        lines: list[bytes] = []
        cuts: list[Cut] = []
        at = 0
        while at < len(raw):
            end = self.first_end(raw, at, shift=0) or len(raw)
            lines.append(raw[at:end].decode(self.name, "replace").encode())
            cuts.append(Cut(len(cuts), end - at))
            at = end
        return b"".join(lines), tuple(cuts)

    def _aligned(self, data: bytes, start: int, shift: int, *, last: bool) -> int:
        width = len(self.newline)
        at = data.rfind(self.newline, start) if last else data.find(self.newline, start)
        while at >= 0 and (at - shift) % width:
            at = data.rfind(self.newline, start, at + width - 1) if last else data.find(self.newline, at + 1)
        return at + width if at >= 0 else 0


PLAIN = Encoding("")


def encoding_of(head: bytes, setting: str) -> Encoding:
    """Return a file's encoding by its first bytes (1 KiB or more, if it has so many), else by the setting.

    A UTF-16 mark alone may be any bytes: a line must end the UTF-16 way, too.
    """
    if head.startswith(_UTF8_MARK):
        return Encoding("", mark_bytes=len(_UTF8_MARK))
    for name, mark in _MARKS.items():
        marked = Encoding(name, _WIDE[name], len(mark))
        if head.startswith(mark) and marked.first_end(head, 0, shift=0):
            return marked
    if setting == "auto":
        return PLAIN
    name = codecs.lookup(setting).name
    if name in ("utf-8", "ascii"):
        return PLAIN
    if name in ("utf-16", "utf-32"):
        name += "-le"  # there is no mark that says otherwise
    return Encoding(name, _WIDE.get(name, b"\n"))


def is_encoding(setting: str) -> bool:
    """Whether it can be the setting: one of Python's text encodings, the same for each line."""
    try:
        info = codecs.lookup(setting)
        return bool(info._is_text_encoding) and "a\n".encode(setting).decode(setting) == "a\n"
    except (LookupError, UnicodeError):
        return False
