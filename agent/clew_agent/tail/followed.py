"""One file that is being followed: open or not, how far it was read, where it is now."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from clew_agent.encoding import encoding_of
from clew_agent.wire import file_id as make_file_id

from .account import FileAccount
from .discovery import Found
from .identity import TAIL_BYTES, FileIdentity, FileKey, Mark, Verdict, digest
from .layout import layout_of
from .naming import Writer
from .packed import is_packed, unpack
from .parts import PartJoiner
from .reader import LineReader

__all__ = ["FollowedFile", "begin_account", "end_of_last_line", "open_content", "open_file"]

_STEP = 1 << 16
_HEAD_BYTES = 4096


@dataclass(slots=True, eq=False)
class FollowedFile:
    """State of one file, by device and inode. Mutable; belongs to the thread that tails."""

    found: Found
    """As last found by a scan."""
    generation: int
    """Of its content."""
    account: FileAccount | None = None
    """Its content's account, its identity as far as it was read; None before the first line is there."""
    fd: int | None = None
    reader: LineReader | None = None
    """There while it is open and has an account."""
    joiner: PartJoiner | None = None
    """There with the reader, if a container runtime writes the file."""
    size: int = 0
    """Of the content."""
    peak: int = 0
    """The greatest size that this content had."""
    size_before: int = 0
    """The size before it last changed."""
    sighted: Mark | None = None
    """How far the content went when it was last looked into: where that does not hold, it is another one now."""
    disk: tuple[int, int] = (0, 0)
    """Size and modification time of the file; where it is compressed, its size is not the content's."""
    looked: tuple[int, int] = (0, 0)
    """`disk` when it was last read to the end."""
    packed: bool = False
    """It is compressed: `size` is not the file's."""
    spooled: bool = False
    """`fd` is of what it was unpacked to."""
    waits_since_s: float | None = None
    """Monotonic time since when it may be somebody's copy, and what it is must show."""
    waits_at: tuple[int, int] = (0, 0)
    """`disk` then; the time begins anew when it changes."""
    skip: bool = False
    """What is there already is not wanted."""
    queued: bool = False
    """It waits for its turn."""
    missing_since_s: float | None = None
    """Monotonic time of the first scan that did not find it."""
    active_s: float = 0.0
    """Monotonic time when it last had something new."""
    finishing: bool = False
    """It is gone for good: its last line counts even without a terminator, then it is released."""

    @property
    def key(self) -> FileKey:
        """Device and inode."""
        return self.found.key

    @property
    def offset(self) -> int:
        """How far it was read."""
        if self.reader:
            return self.joiner.mark.offset if self.joiner and self.joiner.waits else self.reader.offset
        return self.account.identity.offset if self.account else 0

    @property
    def rotated(self) -> bool:
        """It is no longer where it was first seen: it is older than what is there now."""
        return self.missing_since_s is not None or bool(self.account and self.account.path != self.found.path)

    @property
    def unread(self) -> bool:
        """It changed since it was last read to the end."""
        return self.disk != self.looked

    @property
    def modified_ns(self) -> int:
        """When it was last written to."""
        return self.disk[1]

    @property
    def marks(self) -> Iterable[Mark]:
        """Places up to which its content was read of late."""
        return self.reader.marks if self.reader else ()

    def see(self, size: int, modified_ns: int) -> bool:
        """Take over size and time; return whether the size is another one."""
        self.disk = (size, modified_ns)
        return not self.packed and self.has_size(size)

    def has_size(self, size: int) -> bool:
        """Take over the content's size; return whether it is another one."""
        changed = size != self.size
        if changed:
            self.size_before, self.size = self.size, size
            self.peak = max(self.peak, size)
        return changed

    def refresh(self) -> bool:
        """Look at size and time, by the descriptor if it is open; as `see`. OSError if it cannot be looked at."""
        by_path = self.fd is None or self.spooled
        seen = Path(self.found.path).stat() if by_path else os.fstat(self.fd or 0)
        return (seen.st_dev, seen.st_ino) == self.key and self.see(seen.st_size, seen.st_mtime_ns)

    def attach(self, account: FileAccount, *, read_bytes_max: int, line_bytes_max: int) -> None:
        """Read the open file on, behind what the account's identity says."""
        assert self.fd is not None
        self.account = account
        self.generation = account.identity.generation
        fd, head = self.fd, os.pread(self.fd, _HEAD_BYTES, 0)
        self.reader = LineReader(
            fd,
            offset=account.identity.offset,
            tail=account.identity.tail,
            read_bytes_max=read_bytes_max,
            line_bytes_max=line_bytes_max,
            encoding=encoding_of(head, self.found.source.encoding),
        )
        layout = layout_of(head, self.found.source.join_parts)
        if layout:
            self.joiner = PartJoiner(layout, bytes_max=line_bytes_max, tail_at=lambda offset: _tail_at(fd, offset))

    def look_into(self) -> Verdict:
        """Return whether the open file still has all that it had when last looked into; that is not changed by it."""
        assert self.fd is not None
        if self.sighted is None:
            return Verdict.NEW
        if os.fstat(self.fd).st_size < self.sighted.offset:
            return Verdict.TRUNCATED
        same = _tail_at(self.fd, self.sighted.offset) == self.sighted.tail
        return Verdict.CONTINUE if same else Verdict.REPLACED

    def sight(self) -> None:
        """Remember how far the open file's content goes now."""
        assert self.fd is not None
        size = os.fstat(self.fd).st_size
        self.sighted = Mark(size, _tail_at(self.fd, size))

    def read_so_far(self) -> FileAccount | None:
        """Return the account, its identity as far as the content was read."""
        if self.reader and self.account:
            joiner = self.joiner
            mark = joiner.mark if joiner and joiner.waits else Mark(self.reader.offset, self.reader.tail)
            identity = replace(self.account.identity, offset=mark.offset, tail=mark.tail)
            self.account = replace(self.account, identity=identity)
        return self.account

    def close(self) -> None:
        """Free the descriptor; what was read stays known."""
        self.read_so_far()
        self.reader = self.joiner = None
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
            self.spooled = False

    def begin_anew(self, generation: int) -> None:
        """Forget the content, which is no more; what is under this inode now is this generation."""
        self.account = self.reader = self.joiner = None
        self.generation = generation
        self.skip = False
        self.peak = self.size_before = self.size
        self.sighted = None
        self.looked = (0, 0)
        self.waits_since_s = None

    def unlinked(self) -> bool:
        """Whether the open file has no name any more: its room on the disk is free once it is closed."""
        return self.fd is not None and not self.spooled and os.fstat(self.fd).st_nlink == 0


def open_file(path: str) -> int:
    """Return a descriptor for reading; OSError as `os.open`. A path that is a pipe by now must not block."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)


def open_content(file: FollowedFile, directory: Path, bytes_max: int) -> None:
    """Open the file if it is not, and unpack it if it is compressed. OSError, IncompleteArchive, TooLarge.

    On an error it may be open, and not unpacked.
    """
    if file.fd is None:
        file.fd = open_file(file.found.path)
    if file.spooled:
        return
    file.packed = is_packed(file.fd)
    if file.packed:
        spool = unpack(file.fd, directory, bytes_max=bytes_max)
        os.close(file.fd)
        file.fd, file.spooled = spool, True
        file.has_size(os.fstat(spool).st_size)


def begin_account(
    file: FollowedFile, writer: Writer, line: bytes, *, agent_host: str, offset: int | None = None
) -> FileAccount:
    """Return the account of a file's new content, whose first line is known; it was read up to `offset`.

    The id is of the agent's host, not the writer's: there inodes are unique.
    """
    fd = file.fd
    if offset is None:
        offset = end_of_last_line(fd) if file.skip and fd is not None else 0
    head = os.pread(fd, TAIL_BYTES, 0) if fd is not None else b""
    identity = FileIdentity(
        head=digest(head),
        head_bytes=len(head),
        device=file.key.device,
        inode=file.key.inode,
        generation=file.generation,
        fingerprint=digest(line),
        fingerprint_bytes=len(line),
        offset=offset,
        tail=_tail_at(fd, offset) if fd is not None else digest(b""),
    )
    return FileAccount(
        file_id=make_file_id(
            host=agent_host,
            device=file.key.device,
            inode=file.key.inode,
            generation=file.generation,
            first_line=line,
        ),
        path=file.found.path,
        service=writer.service,
        instance=writer.instance,
        host=writer.host,
        identity=identity,
        first=offset,
        seen=file.size,
        shipped=offset,
        resource=writer.resource,
        packed_bytes=file.disk[0] if file.packed else 0,
    )


def _tail_at(fd: int, offset: int) -> bytes:
    lead = min(offset, TAIL_BYTES)
    return digest(os.pread(fd, lead, offset - lead) if lead else b"")


def end_of_last_line(fd: int) -> int:
    """Return the offset behind the file's last line end, 0 if it has none."""
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - _STEP)
        at = os.pread(fd, end - start, start).rfind(b"\n") + 1
        if at:
            return start + at
        end = start
    return 0
