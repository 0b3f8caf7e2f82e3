"""Following files: which there are, which have something new, whose turn it is; through rotation of every kind.

Nothing here waits or knows who gets the lines: it tells what happens as a list of events. Not thread-safe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

import structlog

from clew_agent.config import AgentSettings
from clew_agent.reason import Reason

from .account import FileAccount
from .contents import Contents
from .discovery import Discovery, Found, Scan
from .events import Ended, TailEvent
from .followed import FollowedFile, open_file
from .identity import first_line
from .known import KnownContents
from .packed import is_packed
from .reader import Block, Changed, Deferred
from .relay import Relay
from .roster import Roster
from .succession import candidates_for

__all__ = ["Tailer", "Turn"]

_log = structlog.get_logger()


class Turn(NamedTuple):
    """What one call of the tailer brought."""

    events: list[TailEvent]
    more: bool
    """There is something to read."""
    cramped: bool = False
    """The next line is longer than the batch was to be, and the batch is empty."""


class _Begun(Enum):
    YES = "yes"
    NOT_YET = "not yet"
    """There is nothing to begin with before the file changes."""
    LATER = "later"
    """Ask again at the next scan."""


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
        self._roster = Roster(settings, known, open_file=open_file, monotonic_s=monotonic_s)
        self._contents = Contents(self._roster, Discovery(settings.sources), at_end=at_end)
        self._relay = Relay(self._roster)
        self._skip_present = skip_present
        self._at_end = at_end
        self.unmatched: tuple[str, ...] = ()
        """Globs that match no file."""
        self.directories: frozenset[str] = frozenset()
        """Where changes may be watched."""

    @property
    def problems(self) -> dict[str, str]:
        """Path -> what is wrong with it now."""
        return self._roster.problems

    @property
    def open_files(self) -> int:
        """How many files are open."""
        return len(self._roster.open)

    def scan(self) -> Turn:
        """Search the globs, look at every file, and queue those that have something new."""
        scan = self._contents.scanned = self._contents.discovery.scan()
        self.directories = scan.directories
        self._note_problems(scan)
        for found in scan.files.values():
            self._follow(found, scan)
        missing = [file for key, file in self._roster.files.items() if key not in scan.files]
        for file in missing:
            self._miss(file)
        self._release_held(missing)
        self._follow_moved(scan)
        self._roster.by_path = {
            path: file for file in self._roster.files.values() for path in (file.found.path, file.found.real_path)
        }
        fresh = (file for file in self._roster.files.values() if self._has_news(file))
        for file in sorted(fresh, key=lambda file: (not file.rotated, file.modified_ns)):
            self._roster.enqueue(file)
        self._skip_present = False
        return self._turn(more=bool(self._roster.queue))

    def look_at(self, paths: Iterable[str]) -> Turn:
        """Look at files that are said to have changed. A name not known may be that of a rotated file."""
        files = {self._roster.by_path.get(path) for path in paths}
        if None in files:
            files |= {file for file in self._roster.open.values() if file.rotated}
        for file in files:
            if file and self._roster.refresh(file) and self._has_news(file) and self._contents.glance(file):
                self._roster.enqueue(file)
        return self._turn(more=bool(self._roster.queue))

    def read_batch(self, *, bytes_max: int, chunks_max: int) -> Turn:
        """Read files in turns, one read each, until the batch is full or nothing is left.

        `bytes_max` must have room for `read_bytes_max`; for a line that has no room in it there is another call.
        """
        cramped = False
        empty = True
        waiting: list[FollowedFile] = []
        before = len(self._roster.events)
        while self._roster.queue and chunks_max and bytes_max >= self._roster.settings.read_bytes_max:
            file = self._roster.queue.popleft()
            file.queued = False
            if file.fd is None and not self._roster.has_room():
                waiting.append(file)
            elif self._contents.ensure_open(file):
                outcome = self._read(file, room=bytes_max)
                if isinstance(outcome, Block):
                    empty = False
                    bytes_max -= len(outcome.payload)
                    chunks_max -= 1
                elif isinstance(outcome, Deferred):
                    cramped = empty
                    break
        # Files that wait for room are tried again once there may be some: after others were read, or by a later scan.
        more = bool(self._roster.queue) or (bool(waiting) and len(self._roster.events) > before)
        for file in waiting:
            self._roster.enqueue(file)
        return self._turn(more=more)._replace(cramped=cramped)

    def reconfigure(self, settings: AgentSettings) -> None:
        """Follow other sources, or the same otherwise, from the next scan on; nothing that is open is closed.

        Files that are in no source any more are read to their end, as if they had been moved away.
        """
        self._roster.settings = settings
        self._roster.open_max = settings.open_files_max
        self._contents.discovery = Discovery(settings.sources)

    def forget(self, accounts: Iterable[FileAccount]) -> int:
        """Forget contents that are no more; return the floor of generations from now on."""
        accounts = tuple(accounts)
        for account in accounts:
            self._roster.forget(account)
        return self._roster.known.forget(accounts)

    def close(self) -> None:
        """Free every descriptor."""
        for file in self._roster.open.values():
            file.close()
        self._roster.open.clear()
        self._roster.queue.clear()

    def _turn(self, *, more: bool) -> Turn:
        self._contents.scanned = None
        events, self._roster.events = self._roster.events, []
        return Turn(events, more)

    # Finding files, and finding them gone

    def _follow(self, found: Found, scan: Scan) -> None:
        file = self._roster.files.get(found.key)
        if file is None:
            account = self._roster.known.take(found, scan.files)
            generation = account.identity.generation if account else self._roster.known.next_generation()
            file = FollowedFile(found, generation, account, skip=self._skip_present)
            if account:
                self._contents.resume(file, account)
            self._roster.files[found.key] = file
        file.found = found
        file.missing_since_s = None
        file.finishing = False
        disk = file.disk
        if file.see(found.size, found.modified_ns):
            self._roster.resized(file)
        if file.spooled and file.disk != disk:
            self._roster.close(file)  # somebody compresses into it still
        if file.fd is None and self._has_news(file) and len(self._roster.open) < self._roster.open_max:
            self._contents.ensure_open(file)
        if file.disk != disk:
            self._contents.glance(file)

    def _follow_moved(self, scan: Scan) -> None:
        """Follow what was renamed or copied out of the globs while it was not open; what cannot be found is lost."""
        source = self._roster.settings.sources[0]
        by_path = {found.path: found for found in scan.files.values()}
        for account, found in self._roster.known.take_moved(source):
            if found is None:
                unread = account.seen > account.identity.offset
                here = by_path.get(account.path)
                candidates = candidates_for(account, scan, source) if unread else [(here, True)] if here else []
                if self._contents.hand_over(account, (), account.seen, candidates):
                    self._roster.known.remove(account.identity.key)
                else:
                    self._roster.lose(account, account.identity.offset, account.seen, Reason.DELETED)
                continue
            file = FollowedFile(found, account.identity.generation, account)
            self._contents.resume(file, account)
            file.missing_since_s = self._roster.monotonic_s()
            file.see(found.size, found.modified_ns)
            self._roster.files[found.key] = file

    def _miss(self, file: FollowedFile) -> None:
        now = self._roster.monotonic_s()
        if file.missing_since_s is None:
            file.missing_since_s = now
        if file.fd is None and not file.queued:
            # Closed while idle, and now renamed or deleted: it is looked for in its directory.
            self._roster.drop(file, missing=True)
        elif (
            self._roster.refresh(file)
            and not file.unread
            and now - max(file.missing_since_s, file.active_s) >= self._roster.settings.rotated_idle_s
        ):
            file.finishing = True

    def _release_held(self, missing: list[FollowedFile]) -> None:
        """Give up files that were moved away or deleted, and cannot be read within the limits."""
        held_bytes = 0
        held = [(self._held_s(file), file) for file in missing if file.fd is not None and not file.finishing]
        for held_s, file in sorted(held, key=lambda one: one[0]):
            unlinked = file.unlinked()
            held_bytes += file.size * unlinked
            too_much = unlinked and held_bytes > self._roster.settings.rotated_hold_bytes_max
            if file.unread and (too_much or held_s > self._roster.settings.rotated_hold_s):
                self._give_up(file)

    def _held_s(self, file: FollowedFile) -> float:
        since = file.missing_since_s
        return self._roster.monotonic_s() - since if since is not None else 0.0

    def _give_up(self, file: FollowedFile) -> None:
        account = file.read_so_far()
        if account:
            self._roster.lose(account, account.identity.offset, file.peak, Reason.HELD)
        else:
            self._roster.complain(
                file.found.path, f"given up unread, after it was held as long as allowed: {file.size} bytes"
            )
        self._roster.drop(file)

    def _has_news(self, file: FollowedFile) -> bool:
        # A file that was always empty has no news: there is nothing to identify it by.
        return file.finishing or (file.unread and bool(file.size or file.account))

    def _note_problems(self, scan: Scan) -> None:
        for pattern in scan.unmatched:
            if pattern not in self.unmatched:
                _log.warning("A glob matches no file.", glob=pattern)
        self.unmatched = scan.unmatched
        paths = {found.path for found in scan.files.values()}
        self._roster.problems = {path: text for path, text in self.problems.items() if path in paths}
        for path, text in scan.problems.items():
            self._roster.complain(path, text)

    # Reading

    def _read(self, file: FollowedFile, *, room: int) -> Block | Deferred | None:
        """Read the open file once, and queue it again if there may be more."""
        self._roster.open.move_to_end(file.key)
        try:
            self._roster.refresh(file)
            return self._read_block(file, room=room)
        except OSError as error:
            self._roster.complain(file.found.path, f"cannot be read: {error.strerror}")
            self._roster.close(file)
            return None

    def _read_block(self, file: FollowedFile, *, room: int) -> Block | Deferred | None:
        now = file.disk
        at_end = self._at_end or file.finishing
        if file.reader is None:
            begun = self._begin(file, at_end=at_end)
            if begun is _Begun.NOT_YET:
                file.looked = now
            if begun is not _Begun.YES:
                self._finish(file)
                return None
        assert file.reader is not None
        assert file.account is not None
        outcome = file.reader.read(room=room, at_end=at_end)
        if isinstance(outcome, Changed):
            if self._contents.begin_anew(file, outcome.verdict):
                self._roster.enqueue(file)
            return None
        if isinstance(outcome, Deferred):
            file.queued = True
            self._roster.queue.appendleft(file)
            return outcome
        if outcome is None or (file.reader.offset if at_end else file.reader.reached) >= file.size:
            file.looked = now
        if outcome is None:
            return self._at_end_of(file, at_end=at_end)
        file.active_s = self._roster.monotonic_s()
        if self._has_news(file):
            self._roster.enqueue(file)
        block = file.joiner.add(outcome) if file.joiner else outcome
        return self._roster.tell(file, block) if block else self._at_end_of(file, at_end=at_end)

    def _at_end_of(self, file: FollowedFile, *, at_end: bool) -> Block | None:
        """Make whole what waits for the file that came after, and release the file if it is gone."""
        block = None
        if file.joiner and file.joiner.waits and not file.unread:
            block = self._relay.complete(file) or (file.joiner.flush() if at_end else None)
            if block:
                self._roster.tell(file, block)
        self._finish(file)
        return block

    def _begin(self, file: FollowedFile, *, at_end: bool) -> _Begun:
        """Find out what the open file's new content is, and begin to read it."""
        self._contents.glance(file)
        fd = file.fd
        assert fd is not None
        if not file.spooled and is_packed(fd):
            if file.waits_at != file.disk and not at_end:
                file.waits_at = file.disk
                return _Begun.LATER  # not while somebody compresses into it
            if not self._contents.unpack(file):
                return _Begun.NOT_YET
            assert file.fd is not None
            fd = file.fd
        line = first_line(lambda size, offset: os.pread(fd, size, offset), at_end=at_end or file.spooled)
        if line is None:
            return _Begun.NOT_YET
        if self._contents.may_be_copy(file, line):
            return _Begun.LATER
        if file.reader is not None:
            return _Begun.YES
        behind = self._relay.begin_behind(file, line)
        if behind is None and not at_end:
            return _Begun.LATER
        self._roster.begin(file, self._roster.new_account(file, line, offset=behind or None))
        self._relay.tell()
        return _Begun.YES

    def _finish(self, file: FollowedFile) -> None:
        """Release a file that is gone, now that it was read to its end."""
        if file.finishing:
            if file.account:
                self._roster.events.append(Ended(file.account.file_id))
            self._roster.drop(file)
