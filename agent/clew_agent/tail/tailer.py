"""Following files: which there are, which have something new, whose turn it is; through rotation of every kind.

Nothing here waits or knows who gets the lines: it tells what happens as a list of events. Not thread-safe.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from clew_agent.config import AgentSettings
from clew_agent.wire import Source

from .account import FileAccount
from .discovery import Discovery, Found, Scan
from .events import Ended, Lost, Opened, Read, Resumed, Seen, TailEvent
from .followed import FollowedFile, begin_account, open_file
from .identity import FileKey, Verdict, judge, look
from .known import KnownContents
from .naming import name_writer
from .reader import Block, Changed, Deferred

__all__ = ["Tailer", "Turn"]

_log = structlog.get_logger()


class Turn(NamedTuple):
    """What one call of the tailer brought."""

    events: list[TailEvent]
    more: bool
    """There is something to read."""
    cramped: bool = False
    """The next line is longer than the batch was to be, and the batch is empty."""


class Tailer:
    """Follows the files of an agent's sources, from where their accounts say.

    Opens a file when it is found, so that it can be read to its end whatever becomes of its name; closes idle ones
    above `open_files_max`. `at_end`: nothing will follow, so that last lines without terminator are lines.
    """

    def __init__(
        self,
        settings: AgentSettings,
        known: KnownContents,
        *,
        skip_present: bool = False,
        at_end: bool = False,
        open_file: Callable[[str], int] = open_file,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._discovery = Discovery(settings.sources)
        self._known = known
        self._skip_present = skip_present
        self._at_end = at_end
        self._open_file = open_file
        self._monotonic_s = monotonic_s
        self._files: dict[FileKey, FollowedFile] = {}
        self._by_path: dict[str, FollowedFile] = {}
        self._open: OrderedDict[FileKey, FollowedFile] = OrderedDict()
        """Open files, the one read longest ago first."""
        self._queue: deque[FollowedFile] = deque()
        """Files with something new, in the order of their turns."""
        self._events: list[TailEvent] = []
        self.unmatched: tuple[str, ...] = ()
        """Globs that match no file."""
        self.problems: dict[str, str] = {}
        """Path -> what is wrong with it now."""
        self.directories: frozenset[str] = frozenset()
        """Where changes may be watched."""

    @property
    def open_files(self) -> int:
        """How many files are open."""
        return len(self._open)

    def scan(self) -> Turn:
        """Search the globs, look at every file, and queue those that have something new."""
        scan = self._discovery.scan()
        self.directories = scan.directories
        self._note_problems(scan)
        for found in scan.files.values():
            self._follow(found, scan)
        for file in [file for key, file in self._files.items() if key not in scan.files]:
            self._miss(file)
        self._follow_moved()
        self._by_path = {
            path: file for file in self._files.values() for path in (file.found.path, file.found.real_path)
        }
        fresh = (file for file in self._files.values() if self._has_news(file))
        for file in sorted(fresh, key=lambda file: (not file.rotated, file.modified_ns)):
            self._enqueue(file)
        self._skip_present = False
        return self._turn(more=bool(self._queue))

    def look_at(self, paths: Iterable[str]) -> Turn:
        """Look at files that are said to have changed. A name not known may be that of a rotated file."""
        files = {self._by_path.get(path) for path in paths}
        if None in files:
            files |= {file for file in self._open.values() if file.rotated}
        for file in files:
            if file and self._refresh(file) and self._has_news(file):
                self._enqueue(file)
        return self._turn(more=bool(self._queue))

    def read_batch(self, *, bytes_max: int, chunks_max: int) -> Turn:
        """Read files in turns, one read each, until the batch is full or nothing is left.

        `bytes_max` must have room for `read_bytes_max`; for a line that has no room in it there is another call.
        """
        cramped = False
        empty = True
        waiting: list[FollowedFile] = []
        before = len(self._events)
        while self._queue and chunks_max and bytes_max >= self._settings.read_bytes_max:
            file = self._queue.popleft()
            file.queued = False
            if file.fd is None and not self._has_room():
                waiting.append(file)
            elif self._ensure_open(file):
                outcome = self._read(file, room=bytes_max)
                if isinstance(outcome, Block):
                    empty = False
                    bytes_max -= len(outcome.payload)
                    chunks_max -= 1
                elif isinstance(outcome, Deferred):
                    cramped = empty
                    break
        # Files that wait for room are tried again once there may be some: after others were read, or by a later scan.
        more = bool(self._queue) or (bool(waiting) and len(self._events) > before)
        for file in waiting:
            self._enqueue(file)
        return self._turn(more=more)._replace(cramped=cramped)

    def forget(self, accounts: Iterable[FileAccount]) -> int:
        """Forget contents that are no more; return the floor of generations from now on."""
        return self._known.forget(accounts)

    def close(self) -> None:
        """Free every descriptor."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        self._queue.clear()

    def _turn(self, *, more: bool) -> Turn:
        events, self._events = self._events, []
        return Turn(events, more)

    def _enqueue(self, file: FollowedFile) -> None:
        if not file.queued:
            file.queued = True
            self._queue.append(file)

    # Finding files, and finding them gone

    def _follow(self, found: Found, scan: Scan) -> None:
        file = self._files.get(found.key)
        if file is None:
            account = self._known.take(found, scan.files)
            generation = account.identity.generation if account else self._known.next_generation()
            file = FollowedFile(found, generation, account, skip=self._skip_present)
            if account:
                file.peak = file.size_before = file.size = account.seen
                self._events.append(Resumed(account))
            self._files[found.key] = file
        file.found = found
        file.missing_since_s = None
        file.finishing = False
        if file.see(found.size, found.modified_ns) and file.account:
            self._events.append(Seen(file.account.file_id, file.size))
        if file.fd is None and self._has_news(file) and len(self._open) < self._settings.open_files_max:
            self._ensure_open(file)

    def _follow_moved(self) -> None:
        """Follow what was renamed out of the globs while it was not open; what cannot be found is lost."""
        for account, found in self._known.take_moved(self._settings.sources[0]):
            if found is None:
                self._lose(account, account.identity.offset, account.seen, deleted=True)
                continue
            self._events.append(Resumed(account))
            file = FollowedFile(found, account.identity.generation, account)
            file.missing_since_s = self._monotonic_s()
            file.peak = file.size_before = file.size = account.seen
            file.see(found.size, found.modified_ns)
            self._files[found.key] = file

    def _miss(self, file: FollowedFile) -> None:
        now = self._monotonic_s()
        if file.missing_since_s is None:
            file.missing_since_s = now
        if file.fd is None and not file.queued:
            # Closed while idle, and now renamed or deleted: it is looked for in its directory.
            self._drop(file, missing=True)
        elif (
            self._refresh(file)
            and not file.unread
            and now - max(file.missing_since_s, file.active_s) >= self._settings.rotated_idle_s
        ):
            file.finishing = True

    def _has_news(self, file: FollowedFile) -> bool:
        # A file that was always empty has no news: there is nothing to identify it by.
        return file.finishing or (file.unread and bool(file.size or file.account))

    def _refresh(self, file: FollowedFile) -> bool:
        try:
            if file.refresh() and file.account:
                self._events.append(Seen(file.account.file_id, file.size))
        except OSError as error:
            _log.debug("A file could not be looked at.", path=file.found.path, error=error.strerror)
            return False
        return True

    def _note_problems(self, scan: Scan) -> None:
        for pattern in scan.unmatched:
            if pattern not in self.unmatched:
                _log.warning("A glob matches no file.", glob=pattern)
        self.unmatched = scan.unmatched
        paths = {found.path for found in scan.files.values()}
        self.problems = {path: text for path, text in self.problems.items() if path in paths}
        for path, text in scan.problems.items():
            self._complain(path, text)

    def _complain(self, path: str, problem: str) -> None:
        if self.problems.get(path) != problem:
            _log.warning("There is a problem with a file.", path=path, problem=problem)
            self.problems[path] = problem

    # Opening and closing

    def _has_room(self) -> bool:
        """Make room for one more open file, by closing the one read longest ago that can be opened again."""
        if len(self._open) < self._settings.open_files_max:
            return True
        idle = next((f for f in self._open.values() if not f.queued and f.missing_since_s is None), None)
        if idle:
            self._close(idle)
        return idle is not None

    def _ensure_open(self, file: FollowedFile) -> bool:
        """Open the file and find out what its content is; False if it cannot be, or is none of ours any more."""
        if file.fd is not None:
            return True
        path = file.found.path
        try:
            file.fd = self._open_file(path)
            seen = os.fstat(file.fd)
        except FileNotFoundError:
            return False  # the next scan says what became of it
        except OSError as error:
            self._complain(path, f"cannot be read: {error.strerror}")
            return False
        self._open[file.key] = file
        if (seen.st_dev, seen.st_ino) != file.key:
            self._close(file)  # another file took its name since the scan
            return False
        self.problems.pop(path, None)
        return self._recognise(file)

    def _recognise(self, file: FollowedFile) -> bool:
        account = file.account
        assert file.fd is not None
        if account is None:
            return True
        verdict = judge(account.identity, look(file.fd, account.identity))
        if verdict is not Verdict.CONTINUE:
            return self._begin_anew(file, verdict)
        self._attach(file, account)
        return True

    def _attach(self, file: FollowedFile, account: FileAccount) -> None:
        file.attach(account, read_bytes_max=self._settings.read_bytes_max, line_bytes_max=self._settings.line_bytes_max)

    def _close(self, file: FollowedFile) -> None:
        file.close()
        self._open.pop(file.key, None)

    def _drop(self, file: FollowedFile, *, missing: bool = False) -> None:
        """No longer follow the file; `missing`: look for it elsewhere."""
        self._close(file)
        del self._files[file.key]
        if file.account:
            self._known.put(replace(file.account, seen=file.peak), missing=missing)
        elif missing and file.size:
            _log.warning("A file went away before it was opened.", path=file.found.path, bytes=file.size)

    def _begin_anew(self, file: FollowedFile, verdict: Verdict) -> bool:
        """End the file's content, which is no more. Return whether what is there instead is followed."""
        account = file.account
        assert account is not None
        _log.info("A file's content was begun anew.", path=file.found.path, verdict=verdict.value)
        until = file.peak if verdict is Verdict.TRUNCATED else file.size_before
        self._lose(account, file.offset, until, deleted=False)
        if file.missing_since_s is not None:
            self._drop(file)  # what begins outside of the globs is not ours
            return False
        file.begin_anew(self._known.next_generation(of=account.identity.generation))
        return True

    def _lose(self, account: FileAccount, offset: int, until: int, *, deleted: bool) -> None:
        if until > offset:
            self._events.append(Lost(account.file_id, offset, until, deleted))
        self._events.append(Ended(account.file_id))

    # Reading

    def _read(self, file: FollowedFile, *, room: int) -> Block | Deferred | None:
        """Read the open file once, and queue it again if there may be more."""
        self._open.move_to_end(file.key)
        try:
            self._refresh(file)
            return self._read_block(file, room=room)
        except OSError as error:
            self._complain(file.found.path, f"cannot be read: {error.strerror}")
            self._close(file)
            return None

    def _read_block(self, file: FollowedFile, *, room: int) -> Block | Deferred | None:
        now = (file.size, file.modified_ns)
        at_end = self._at_end or file.finishing
        if file.reader is None and not self._begin(file, at_end=at_end):
            file.looked = now
            self._finish(file)
            return None
        assert file.reader is not None
        assert file.account is not None
        outcome = file.reader.read(room=room, at_end=at_end)
        if isinstance(outcome, Changed):
            if self._begin_anew(file, outcome.verdict):
                self._enqueue(file)
            return None
        if isinstance(outcome, Deferred):
            file.queued = True
            self._queue.appendleft(file)
            return outcome
        if outcome is None or (file.reader.offset if at_end else file.reader.reached) >= file.size:
            file.looked = now
        if outcome is None:
            self._finish(file)
            return None
        file.active_s = self._monotonic_s()
        if self._has_news(file):
            self._enqueue(file)
        self._events.append(Read(_source(file.account, file.modified_ns), outcome))
        return outcome

    def _begin(self, file: FollowedFile, *, at_end: bool) -> bool:
        writer = name_writer(file.found.source, file.found.path, host=self._settings.host)
        account = begin_account(file, writer, agent_host=self._settings.host, at_end=at_end)
        if account is None:
            return False
        for problem in writer.problems:
            self._complain(file.found.path, problem)
        self._attach(file, account)
        self._events.append(Opened(account))
        return True

    def _finish(self, file: FollowedFile) -> None:
        """Release a file that is gone, now that it was read to its end."""
        if file.finishing:
            if file.account:
                self._events.append(Ended(file.account.file_id))
            self._drop(file)


def _source(account: FileAccount, modified_ns: int) -> Source:
    return Source(
        file_id=account.file_id,
        path=account.path,
        host=account.host,
        service=account.service,
        instance=account.instance,
        modified_ns=modified_ns,
    )
