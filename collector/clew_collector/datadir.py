"""The data directory: what lies where, whose it is, and which version wrote it (ARCHITECTURE.md has the layout)."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from clew_agent.errors import DirectoryLocked

from .errors import DataDirectoryError

__all__ = ["FORMAT", "DataDirectory"]

FORMAT = 1
# What an interrupted creation, or `clew up` starting its agent first, may leave: still no data.
_BEFORE_VERSION = frozenset({"lock", "VERSION.new", "agent"})


class _Version(msgspec.Struct):
    format: int


class DataDirectory:
    """The paths in a data directory. Made by `open` (locked, for the one process that writes) or `look`."""

    def __init__(self, path: Path, lock: int | None) -> None:
        self.path = path
        self.log = path / "log"
        self.store = path / "store"
        self.state = path / "state.sqlite"
        self.alerts = path / "alerts.sqlite"
        self.dead_letters = path / "dead-letters.sqlite"
        self.agent = path / "agent"
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Lock the directory, which is made if it is not there or empty.

        DirectoryLocked when another process has it; DataDirectoryError when it is none, damaged or of a newer
        version. Nothing is changed then.
        """
        _check(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DataDirectoryError(
                f"the data directory {path} cannot be written: {error.strerror}",
                hint="give this user the right to write there, or choose another with --data DIR",
            ) from error
        try:
            _take(lock, path)
            # Looked at again: another process may have made it meanwhile.
            _check(path)
            _write_version(path)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock)

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the paths in a directory that need not be there."""
        return cls(path, None)

    @classmethod
    def look(cls, path: Path) -> Self:
        """Return the directory for reading, without a lock; DataDirectoryError as `open`, or if it is not there."""
        if not (path / "VERSION").exists():
            raise DataDirectoryError(
                f"there is no data directory at {path}",
                hint="give the DIR of `clew up --data DIR` or `clew collector run --data DIR`",
            )
        _check(path)
        return cls(path, None)

    def account(self) -> str:
        """Return the identity of the log that is here, for who keeps its position elsewhere; made when first asked."""
        target = self.path / "account"
        if not target.exists():
            unfinished = self.path / "account.new"
            with unfinished.open("w") as file:
                file.write(f"{secrets.token_hex(16)}\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(target)
            sync_directory(self.path)
        return target.read_text().strip()

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _check(path: Path) -> None:
    """Raise DataDirectoryError unless the path can be used as, or made, a data directory."""
    try:
        names = {entry.name for entry in path.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataDirectoryError(
            f"the data directory {path} cannot be read: {error.strerror}", hint="choose another with --data DIR"
        ) from error
    if "VERSION" not in names:
        if strangers := sorted(names - _BEFORE_VERSION):
            raise DataDirectoryError(
                f"{path} is not empty and no data directory of Clew (it has {', '.join(strangers[:3])}, no VERSION)",
                hint="choose a new or empty folder with --data DIR; nothing was changed",
            )
        return
    try:
        version = msgspec.json.decode((path / "VERSION").read_bytes(), type=_Version)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataDirectoryError(
            f"{path / 'VERSION'} is damaged: {error}",
            hint=f'restore it; if this version of Clew wrote the directory, it is {{"format": {FORMAT}}}',
        ) from error
    if version.format != FORMAT:
        raise DataDirectoryError(
            f"{path} has the format {version.format}, this Clew knows {FORMAT}",
            hint="use the version of Clew that wrote it, or a later one; nothing was changed",
        )


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        whose = f"process {pid}" if pid.isdigit() else "another process"
        raise DirectoryLocked(
            f"{whose} works in {path}",
            hint=f"stop {whose}, or choose another directory with --data DIR; `clew trace --data` needs no lock",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _write_version(path: Path) -> None:
    target = path / "VERSION"
    if target.exists():
        return
    unfinished = path / "VERSION.new"
    with suppress(FileNotFoundError):
        unfinished.unlink()
    with unfinished.open("wb") as file:
        file.write(msgspec.json.encode(_Version(FORMAT)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(target)
    sync_directory(path)


def sync_directory(path: Path) -> None:
    """Make renames in the directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
