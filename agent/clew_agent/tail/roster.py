"""The files that are followed: which are open, whose turn it is, what happened to them."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict, deque
from collections.abc import Callable

import structlog
from msgspec.structs import replace

from clew_agent.config import AgentSettings
from clew_agent.reason import Reason
from clew_agent.wire import Source

from .account import FileAccount
from .events import Ended, Lost, Opened, Read, Seen, TailEvent
from .followed import FollowedFile, begin_account
from .identity import FileKey
from .known import KnownContents
from .naming import name_writer
from .reader import Block
from .succession import Fingerprints

__all__ = ["Roster"]

_log = structlog.get_logger()

# Descriptors that are left to the rest of the agent when there are no more.
_FILES_SPARE = 16


class Roster:
    """Opens and closes files, and keeps the list of what is to be told."""

    def __init__(
        self,
        settings: AgentSettings,
        known: KnownContents,
        *,
        open_file: Callable[[str], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.known = known
        self.monotonic_s = monotonic_s
        self._open_file = open_file
        self.files: dict[FileKey, FollowedFile] = {}
        self.by_path: dict[str, FollowedFile] = {}
        self.fingerprints = Fingerprints()
        self.ids: set[bytes] = set()
        """Of every content that is followed or known."""
        for account in known.accounts():
            self.fingerprints.add(account)
            self.ids.add(account.file_id)
        self.open_max = settings.open_files_max
        self.open: OrderedDict[FileKey, FollowedFile] = OrderedDict()
        """Open files, the one read longest ago first."""
        self.queue: deque[FollowedFile] = deque()
        """Files with something new, in the order of their turns."""
        self.events: list[TailEvent] = []
        self.problems: dict[str, str] = {}
        """Path -> what is wrong with it now."""

    def forget(self, account: FileAccount) -> None:
        """Forget a content that is no more."""
        self.fingerprints.remove(account)
        self.ids.discard(account.file_id)

    def enqueue(self, file: FollowedFile) -> None:
        """Give the file a turn."""
        if not file.queued:
            file.queued = True
            self.queue.append(file)

    def complain(self, path: str, problem: str) -> None:
        """Note what is wrong with a file, and log it once."""
        if self.problems.get(path) != problem:
            _log.warning("There is a problem with a file.", path=path, problem=problem)
            self.problems[path] = problem

    def refresh(self, file: FollowedFile) -> bool:
        """Look at size and time of the file; False if that cannot be done."""
        try:
            if file.refresh():
                self.resized(file)
        except OSError as error:
            _log.debug("A file could not be looked at.", path=file.found.path, error=error.strerror)
            return False
        return True

    def resized(self, file: FollowedFile) -> None:
        """Tell the content's new size; where it is smaller and nothing was read, the content is lost."""
        if file.account:
            self.events.append(Seen(file.account.file_id, file.size))
        elif file.size < file.peak:
            self.lose_unread(file, Reason.TRUNCATED, until=file.peak)

    # Opening and closing

    def has_room(self) -> bool:
        """Make room for one more open file, by closing the one read longest ago that can be opened again."""
        if len(self.open) < self.open_max:
            return True
        surplus = len(self.open) + 1 - self.open_max
        idle = [f for f in self.open.values() if not f.queued and f.missing_since_s is None][:surplus]
        for file in idle:
            self.close(file)
        return len(idle) == surplus

    def open_plain(self, file: FollowedFile) -> bool:
        """Open the file, whatever it has; False if it cannot be, or another one has its name."""
        path = file.found.path
        try:
            file.fd = self._open_file(path)
            seen = os.fstat(file.fd)
        except FileNotFoundError:
            return False  # the next scan says what became of it
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self.open:
                self.open_max = max(1, len(self.open) - _FILES_SPARE)
                self.has_room()
                self.enqueue(file)
                return False
            self.complain(path, f"cannot be read: {error.strerror}")
            return False
        self.open[file.key] = file
        if (seen.st_dev, seen.st_ino) != file.key:
            self.close(file)  # another file took its name since the scan
            return False
        self.problems.pop(path, None)
        return True

    def attach(self, file: FollowedFile, account: FileAccount) -> None:
        """Read the open file on, behind what the account says."""
        file.attach(account, read_bytes_max=self.settings.read_bytes_max, line_bytes_max=self.settings.line_bytes_max)
        self.fingerprints.add(account)

    def close(self, file: FollowedFile) -> None:
        """Free the file's descriptor; it is still followed."""
        file.close()
        self.open.pop(file.key, None)

    def drop(self, file: FollowedFile, *, missing: bool = False) -> None:
        """No longer follow the file, whatever is said of it from now on; `missing`: look for it elsewhere."""
        self.close(file)
        del self.files[file.key]
        for path in (file.found.path, file.found.real_path):
            if self.by_path.get(path) is file:
                del self.by_path[path]
        if file.queued:
            self.queue.remove(file)
            file.queued = False
        if file.account:
            self.known.put(replace(file.account, seen=file.peak), missing=missing)
        elif missing:
            self.lose_unread(file, Reason.DELETED, until=file.peak)

    # Telling

    def new_account(self, file: FollowedFile, line: bytes, *, offset: int | None = None) -> FileAccount:
        """Return the account of the file's new content, under an id that no other one has."""
        found = file.found
        writer = name_writer(found.source, found.path, host=self.settings.host, real_path=found.real_path)
        for problem in writer.problems:
            self.complain(file.found.path, problem)
        while True:
            account = begin_account(file, writer, line, agent_host=self.settings.host, offset=offset)
            if account.file_id not in self.ids:
                return account
            file.generation += 1  # the content that had this id was copied to another inode

    def lose_unread(self, file: FollowedFile, why: Reason, *, until: int) -> None:
        """Tell that a content is no more that was seen `until` there, and of which not even the first line was read."""
        if not until:
            return
        account = self.new_account(file, b"")
        self.ids.add(account.file_id)
        self.events.append(Opened(account))
        self.lose(account, 0, until, why)
        file.begin_anew(file.generation + 1)

    def lose(self, account: FileAccount, offset: int, until: int, why: Reason) -> None:
        """Tell that a content is no more, and which bytes of it were not read."""
        if until > offset:
            self.events.append(Lost(account.file_id, offset, until, why))
        self.events.append(Ended(account.file_id))

    def tell(self, file: FollowedFile, block: Block) -> Block:
        """Tell lines of the file."""
        assert file.account is not None
        self.events.append(Read(_source(file.account, file.modified_ns), block))
        return block

    def begin(self, file: FollowedFile, account: FileAccount) -> None:
        """Follow the open file's new content under this account."""
        self.ids.add(account.file_id)
        self.attach(file, account)
        self.events.append(Opened(account))


def _source(account: FileAccount, modified_ns: int) -> Source:
    return Source(
        file_id=account.file_id,
        path=account.path,
        host=account.host,
        service=account.service,
        instance=account.instance,
        modified_ns=modified_ns,
        resource=account.resource,
    )
