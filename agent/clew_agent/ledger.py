"""The account of every file, in bytes: seen, shipped, acknowledged, given up. Nothing leaves it uncounted."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from clew_agent.reason import Reason
from clew_agent.tail import FileAccount
from clew_agent.wire import FileLedger, GivenUp

__all__ = ["Ledger", "Reason"]


class Ledger:
    """Accounts by file id. Not thread-safe: it belongs to the event loop."""

    def __init__(self, accounts: Iterable[FileAccount] = ()) -> None:
        self._accounts = {account.file_id: replace(account, shipped=account.acknowledged) for account in accounts}
        gone = sorted((a for a in self._accounts.values() if a.gone_ns), key=lambda account: account.gone_ns)
        self._gone = dict.fromkeys(account.file_id for account in gone)
        """Those that are no more, the longest gone first."""
        self.version = 0
        """Counts the changes that a checkpoint must hold."""
        self.sightings = 0
        """Counts the other changes."""

    def __getitem__(self, file_id: bytes) -> FileAccount:
        return self._accounts[file_id]

    def accounts(self) -> tuple[FileAccount, ...]:
        """Return every account."""
        return tuple(self._accounts.values())

    def files(self) -> tuple[FileLedger, ...]:
        """Return every account as heartbeats report it."""
        return tuple(account.ledger() for account in self._accounts.values())

    def open(self, account: FileAccount) -> None:
        """Begin an account."""
        self._accounts[account.file_id] = account
        self.version += 1

    def see(self, file_id: bytes, size: int) -> None:
        """Note the file's size; where it is less than what was shipped, there is another content now."""
        self.sightings += 1
        account = self._accounts[file_id]
        self._accounts[file_id] = replace(account, seen=max(size, account.shipped))

    def ship(self, file_id: bytes, end: int) -> None:
        """Note that everything before `end` is on its way."""
        self.sightings += 1
        account = self._accounts[file_id]
        self._accounts[file_id] = replace(account, shipped=end, seen=max(account.seen, end))

    def acknowledge(self, file_id: bytes, *, start: int, end: int, tail: bytes, lines: int) -> None:
        """Note that the receiver has `start` <= byte < `end`; `tail` is the digest of the bytes before `end`.

        A file's bytes are acknowledged in order, without a gap: ValueError otherwise.
        """
        account = self._accounts[file_id]
        if start != account.acknowledged:
            raise ValueError(f"{account.path}: {start} acknowledged, {account.acknowledged} is next")
        identity = replace(account.identity, offset=end, tail=tail)
        self._accounts[file_id] = replace(account, identity=identity, lines=account.lines + lines)
        self.version += 1

    def give_up(self, file_id: bytes, *, start: int, end: int, reason: Reason) -> None:
        """Note bytes that will never be shipped. If they were next, `acknowledge` steps over them."""
        account = self._accounts[file_id]
        ranges = account.given_up
        last = ranges[-1] if ranges else None
        if last and last.end == start and last.reason == reason:
            ranges, start = ranges[:-1], last.start
        given_up = tuple(sorted((*ranges, GivenUp(start, end, str(reason))), key=lambda lost: lost.start))
        self._accounts[file_id] = replace(account, given_up=given_up)
        self.version += 1

    def end(self, file_id: bytes, now_ns: int) -> None:
        """Note that this content is no more."""
        self._accounts[file_id] = replace(self._accounts[file_id], gone_ns=now_ns)
        self._gone.pop(file_id, None)
        self._gone[file_id] = None
        self.version += 1

    def resume(self, account: FileAccount) -> None:
        """Note that a content is there again, perhaps in another file."""
        mine = self._accounts.setdefault(account.file_id, account)
        if mine.gone_ns or mine.identity.key != account.identity.key:
            device, inode = account.identity.key
            identity = replace(mine.identity, device=device, inode=inode)
            packed_bytes = account.packed_bytes
            self._accounts[account.file_id] = replace(mine, identity=identity, packed_bytes=packed_bytes, gone_ns=0)
            self._gone.pop(account.file_id, None)
            self.version += 1

    def forget(self, *, before_ns: int, gone_max: int) -> tuple[FileAccount, ...]:
        """Drop the accounts gone before that time, and those longest gone above `gone_max`; return them.

        What is on its way keeps its account until it is answered for.
        """
        old: list[FileAccount] = []
        for file_id in self._gone:
            account = self._accounts[file_id]
            if len(self._gone) - len(old) <= gone_max and account.gone_ns >= before_ns:
                break
            if account.shipped <= account.acknowledged:
                old.append(account)
        for account in old:
            del self._gone[account.file_id], self._accounts[account.file_id]
        self.version += bool(old)
        return tuple(old)
