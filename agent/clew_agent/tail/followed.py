"""One file that is being followed: open or not, how far it was read, where it is now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from clew_agent.wire import file_id as make_file_id

from .account import FileAccount
from .discovery import Found
from .identity import TAIL_BYTES, FileIdentity, FileKey, digest, first_line
from .naming import Writer
from .reader import LineReader

__all__ = ["FollowedFile", "begin_account", "end_of_last_line", "open_file"]

_STEP = 1 << 16


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
    size: int = 0
    modified_ns: int = 0
    peak: int = 0
    """The greatest size that this content had."""
    size_before: int = 0
    """The size before it last changed."""
    looked: tuple[int, int] = (0, 0)
    """Size and modification time when it was last read to the end."""
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
            return self.reader.offset
        return self.account.identity.offset if self.account else 0

    @property
    def rotated(self) -> bool:
        """It is no longer where it was first seen: it is older than what is there now."""
        return self.missing_since_s is not None or bool(self.account and self.account.path != self.found.path)

    @property
    def unread(self) -> bool:
        """It changed since it was last read to the end."""
        return (self.size, self.modified_ns) != self.looked

    def see(self, size: int, modified_ns: int) -> bool:
        """Take over size and time; return whether the size is another one."""
        changed = size != self.size
        if changed:
            self.size_before, self.size = self.size, size
            self.peak = max(self.peak, size)
        self.modified_ns = modified_ns
        return changed

    def refresh(self) -> bool:
        """Look at size and time, by the descriptor if it is open; as `see`. OSError if it cannot be looked at."""
        seen = os.fstat(self.fd) if self.fd is not None else Path(self.found.path).stat()
        return (seen.st_dev, seen.st_ino) == self.key and self.see(seen.st_size, seen.st_mtime_ns)

    def attach(self, account: FileAccount, *, read_bytes_max: int, line_bytes_max: int) -> None:
        """Read the open file on, behind what the account's identity says."""
        assert self.fd is not None
        self.account = account
        self.generation = account.identity.generation
        self.reader = LineReader(
            self.fd,
            offset=account.identity.offset,
            tail=account.identity.tail,
            read_bytes_max=read_bytes_max,
            line_bytes_max=line_bytes_max,
        )

    def close(self) -> None:
        """Free the descriptor; what was read stays known."""
        if self.reader and self.account:
            identity = replace(self.account.identity, offset=self.reader.offset, tail=self.reader.tail)
            self.account = replace(self.account, identity=identity)
        self.reader = None
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def begin_anew(self, generation: int) -> None:
        """Forget the content, which is no more; what is under this inode now is this generation."""
        self.account = self.reader = None
        self.generation = generation
        self.skip = False
        self.peak = self.size_before = self.size
        self.looked = (0, 0)


def open_file(path: str) -> int:
    """Return a descriptor for reading; OSError as `os.open`. A path that is a pipe by now must not block."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)


def begin_account(file: FollowedFile, writer: Writer, *, agent_host: str, at_end: bool) -> FileAccount | None:
    """Return the account of an open file's new content, None while its first line is not complete (unless `at_end`).

    The id is of the agent's host, not the writer's: there inodes are unique.
    """
    fd = file.fd
    assert fd is not None
    line = first_line(lambda size, offset: os.pread(fd, size, offset), at_end=at_end)
    if line is None:
        return None
    offset = end_of_last_line(fd) if file.skip else 0
    lead = min(offset, TAIL_BYTES)
    identity = FileIdentity(
        device=file.key.device,
        inode=file.key.inode,
        generation=file.generation,
        fingerprint=digest(line),
        fingerprint_bytes=len(line),
        offset=offset,
        tail=digest(os.pread(fd, lead, offset - lead)),
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
    )


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
