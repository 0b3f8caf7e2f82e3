"""The last line of a file that a runtime cut at a rotation: its other parts are the first lines of the next file."""

from __future__ import annotations

import os

from .followed import FollowedFile
from .layout import layout_of
from .reader import Block
from .roster import Roster

__all__ = ["Relay"]


class Relay:
    """Makes such lines whole. They count as the old file's; what they took of the new one is not read again."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._made_whole: list[tuple[FollowedFile, Block]] = []

    def complete(self, file: FollowedFile) -> Block | None:
        """Let the file's last line be made whole by the one that has its path now, if that has begun so."""
        assert file.account is not None
        after = self._roster.by_path.get(file.account.path)
        if not file.rotated or after is None or after is file or not file.joiner:
            return None
        if after.account is None:
            self._roster.enqueue(after)
        elif after.account.first and after.fd is not None:
            completed = file.joiner.complete(os.pread(after.fd, after.account.first, 0))
            return completed.block if completed else None
        return None

    def begin_behind(self, file: FollowedFile, line: bytes) -> int | None:
        """Return how much of a new file belongs to the last line of the one before it; None while that must show."""
        if file.skip or file.spooled or layout_of(line, file.found.source.join_parts) is None:
            return 0
        for before in self._roster.open.values():
            if before is file or not (before.joiner and before.rotated and before.account):
                continue
            if before.account.path != file.found.path or before.finishing:
                continue
            if before.unread:
                self._roster.enqueue(before)
                self._roster.enqueue(file)
                return None
            if before.joiner.waits:
                assert file.fd is not None
                completed = before.joiner.complete(os.pread(file.fd, self._roster.settings.read_bytes_max, 0))
                if completed is None:
                    return None
                self._made_whole.append((before, completed.block))
                return completed.head_bytes
        return 0

    def tell(self) -> None:
        """Tell the lines that were made whole: after the account of the file whose beginning they took is there."""
        for before, block in self._made_whole:
            self._roster.tell(before, block)
        self._made_whole.clear()
