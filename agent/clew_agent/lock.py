"""One process works in a directory: a lock that the kernel takes back when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from clew_agent.errors import CheckpointError, DirectoryLocked

__all__ = ["DirectoryLock", "lock_holder"]

_NAME = "lock"


class DirectoryLock:
    """A context manager that holds a directory for this process; DirectoryLocked if another one does.

    Creates the directory. The file `lock` in it holds the process id, for people.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fd: int | None = None

    def __enter__(self) -> DirectoryLock:
        fd = self._open()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise DirectoryLocked(
                f"another agent works in {self._directory}" + (f" (process {holder})" if holder else ""),
                hint="stop it, or give this agent another directory with `data:`",
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd
        return self

    def _open(self) -> int:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            return os.open(self._directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CheckpointError(
                f"the agent's directory {self._directory} cannot be used: {error.strerror}",
                hint="name another one with `data:`, or give the agent's user access to it",
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._fd is not None
        os.close(self._fd)
        self._fd = None


def lock_holder(directory: Path) -> int | None:
    """Return the id of the process that holds the directory, None if none does. Changes nothing."""
    try:
        with (directory / _NAME).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read(32).strip()
                return int(text) if text.isdigit() else 0
    except FileNotFoundError:
        return None
    return None
