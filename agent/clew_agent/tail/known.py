"""Contents known from before, by an earlier run or until they went away, that no scan has found (yet)."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path

import structlog
from msgspec.structs import replace

from clew_agent.config import SourceSettings

from .account import FileAccount
from .discovery import Found
from .identity import FileKey

__all__ = ["KnownContents"]

_log = structlog.get_logger()


class KnownContents:
    """The latest content of every device and inode that is not followed now."""

    def __init__(self, accounts: Iterable[FileAccount], *, generation_floor: int) -> None:
        self._accounts: dict[FileKey, FileAccount] = {}
        self._missing: set[FileKey] = set()
        self._generation_floor = generation_floor
        for account in sorted(accounts, key=lambda account: account.identity.generation):
            # What was read to its end may have been on its way when the agent ended: it is missing like a file.
            owed = account.owed_until if account.gone_ns else account.seen
            self.put(replace(account, seen=owed), missing=not account.gone_ns or owed > account.acknowledged)

    def put(self, account: FileAccount, *, missing: bool) -> None:
        """Remember a content that is not followed; `missing`: it should be there, and its lines are wanted."""
        key = account.identity.key
        self._missing.discard(key)
        if missing:
            self._missing.add(key)
        else:
            account = _settled(account)
        self._accounts[key] = account

    def take(self, found: Found, present: Container[FileKey]) -> FileAccount | None:
        """Return what may be the content of a file that was found; whether it is, only `judge` can say.

        By device and inode, else by path and inode, of a device that is not there: devices are renumbered at boot.
        """
        if found.key in self._accounts:
            return self._pop(found.key)
        for key in self._missing:
            account = self._accounts[key]
            if key.inode == found.key.inode and account.path == found.path and key not in present:
                self._pop(key)
                return replace(account, identity=replace(account.identity, device=found.key.device))
        return None

    def take_moved(self, source: SourceSettings) -> list[tuple[FileAccount, Found | None]]:
        """Return the missing contents, with where in its old directory each was renamed to, if anywhere.

        Call it after everything that was found was taken.
        """
        missing = {key: self._accounts[key] for key in self._missing}
        moved: dict[FileKey, Found] = {}
        for directory in {Path(account.path).parent for account in missing.values()}:
            moved.update((found.key, found) for found in _files_of(directory, missing, source))
        for key in missing:
            account = self._accounts.pop(key)
            if key not in moved:
                self._accounts[key] = _settled(account)
        self._missing.clear()
        return [(account, moved.get(key)) for key, account in missing.items()]

    def accounts(self) -> Iterable[FileAccount]:
        """Return every content."""
        return self._accounts.values()

    def gone(self, key: FileKey) -> FileAccount | None:
        """Return the content that was under this device and inode."""
        return self._accounts.get(key)

    def remove(self, key: FileKey) -> None:
        """Drop a content that is followed again, somewhere else."""
        self._pop(key)

    def next_generation(self, of: int | None = None) -> int:
        """Return the generation of content that begins now, after generation `of` under the same inode."""
        return self._generation_floor if of is None else max(self._generation_floor, of + 1)

    def forget(self, accounts: Iterable[FileAccount]) -> int:
        """Forget contents for good; return the floor above which generations are from now on.

        Else content that begins later under the same inode with the same first line would get their ids again.
        """
        for account in accounts:
            self._generation_floor = max(self._generation_floor, account.identity.generation + 1)
            known = self._accounts.get(account.identity.key)
            if known and known.file_id == account.file_id:
                self._pop(account.identity.key)
        return self._generation_floor

    def _pop(self, key: FileKey) -> FileAccount:
        self._missing.discard(key)
        return self._accounts.pop(key)


def _settled(account: FileAccount) -> FileAccount:
    """Return the account with nothing unread: what there was is lost already, and must not be lost again."""
    return replace(account, seen=account.identity.offset)


def _files_of(directory: Path, wanted: Container[FileKey], source: SourceSettings) -> list[Found]:
    found: list[Found] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    seen = entry.stat(follow_symlinks=False)
                    key = FileKey(seen.st_dev, seen.st_ino)
                    if key in wanted:
                        found.append(Found(key, entry.path, entry.path, source, seen.st_size, seen.st_mtime_ns))
    except OSError as error:
        _log.debug("A directory cannot be searched for renamed files.", directory=str(directory), error=error.strerror)
    return found
