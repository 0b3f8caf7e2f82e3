"""Following files: which there are, which have something new, whose turn it is; through rotation of every kind.

Nothing here waits or knows who gets the lines: it tells what happens as a list of events. Not thread-safe.
"""

from __future__ import annotations

import errno
import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from clew_agent.config import AgentSettings
from clew_agent.wire import Source

from .account import FileAccount
from .copies import REPLACED_BYTES_MIN, Resemblance, related, resemblance, same_bytes
from .discovery import Discovery, Found, Scan
from .events import Ended, Loss, Lost, Opened, Read, Resumed, Seen, TailEvent
from .followed import FollowedFile, begin_account, open_content, open_file
from .identity import FileKey, Mark, Verdict, digest, first_line, judge, look
from .known import KnownContents
from .layout import layout_of
from .naming import name_writer
from .packed import IncompleteArchive, TooLarge, is_packed
from .reader import Block, Changed, Deferred
from .succession import Fingerprints, find_heirs

__all__ = ["Tailer", "Turn"]

_log = structlog.get_logger()

# Descriptors that are left to the rest of the agent when there are no more.
_FILES_SPARE = 16


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
        self._settings = settings
        self._discovery = Discovery(settings.sources)
        self._known = known
        self._skip_present = skip_present
        self._at_end = at_end
        self._open_file = open_file
        self._monotonic_s = monotonic_s
        self._files: dict[FileKey, FollowedFile] = {}
        self._by_path: dict[str, FollowedFile] = {}
        self._fingerprints = Fingerprints()
        for account in known.accounts():
            self._fingerprints.add(account)
        self._open_max = settings.open_files_max
        self._open: OrderedDict[FileKey, FollowedFile] = OrderedDict()
        """Open files, the one read longest ago first."""
        self._queue: deque[FollowedFile] = deque()
        """Files with something new, in the order of their turns."""
        self._made_whole: list[tuple[FollowedFile, Block]] = []
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
        missing = [file for key, file in self._files.items() if key not in scan.files]
        for file in missing:
            self._miss(file)
        self._release_held(missing)
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

    def reconfigure(self, settings: AgentSettings) -> None:
        """Follow other sources, or the same otherwise, from the next scan on; nothing that is open is closed.

        Files that are in no source any more are read to their end, as if they had been moved away.
        """
        self._settings = settings
        self._open_max = settings.open_files_max
        self._discovery = Discovery(settings.sources)

    def forget(self, accounts: Iterable[FileAccount]) -> int:
        """Forget contents that are no more; return the floor of generations from now on."""
        accounts = tuple(accounts)
        for account in accounts:
            self._fingerprints.remove(account)
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
                self._resume(file, account)
            self._files[found.key] = file
        file.found = found
        file.missing_since_s = None
        file.finishing = False
        disk = file.disk
        if file.see(found.size, found.modified_ns) and file.account:
            self._events.append(Seen(file.account.file_id, file.size))
        if file.spooled and file.disk != disk:
            self._close(file)  # somebody compresses into it still
        if file.fd is None and self._has_news(file) and len(self._open) < self._open_max:
            self._ensure_open(file)

    def _resume(self, file: FollowedFile, account: FileAccount) -> None:
        self._events.append(Resumed(account))
        self._fingerprints.add(account)
        file.peak = file.size_before = file.size = account.seen
        file.packed = account.packed_bytes > 0
        if file.packed and account.packed_bytes == file.found.size and account.seen == account.identity.offset:
            file.looked = (file.found.size, file.found.modified_ns)  # nothing new; not unpacked for that

    def _follow_moved(self) -> None:
        """Follow what was renamed or copied out of the globs while it was not open; what cannot be found is lost."""
        for account, found in self._known.take_moved(self._settings.sources[0]):
            if found is None:
                if account.seen <= account.identity.offset or not self._hand_over(account, (), account.seen):
                    self._lose(account, account.identity.offset, account.seen, Loss.DELETED)
                continue
            file = FollowedFile(found, account.identity.generation, account)
            self._resume(file, account)
            file.missing_since_s = self._monotonic_s()
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

    def _release_held(self, missing: list[FollowedFile]) -> None:
        """Give up files that were moved away or deleted, and cannot be read within the limits."""
        now = self._monotonic_s()
        held = 0
        oldest_last = sorted(
            (file for file in missing if file.fd is not None and not file.finishing),
            key=lambda file: -(file.missing_since_s or now),
        )
        for file in oldest_last:
            unlinked = file.unlinked()
            held += file.size * unlinked
            too_long = now - (file.missing_since_s or now) > self._settings.rotated_hold_s
            if file.unread and (too_long or (unlinked and held > self._settings.rotated_hold_bytes_max)):
                self._give_up(file)

    def _give_up(self, file: FollowedFile) -> None:
        account = file.read_so_far()
        if account:
            self._lose(account, account.identity.offset, file.peak, Loss.HELD)
        else:
            self._complain(file.found.path, f"given up unread: {file.size} bytes were {Loss.HELD}")
        if file.queued:
            self._queue.remove(file)
            file.queued = False
        self._drop(file)

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
        if len(self._open) < self._open_max:
            return True
        surplus = len(self._open) + 1 - self._open_max
        idle = [f for f in self._open.values() if not f.queued and f.missing_since_s is None][:surplus]
        for file in idle:
            self._close(file)
        return len(idle) == surplus

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
            if error.errno in (errno.EMFILE, errno.ENFILE) and self._open:
                self._open_max = max(1, len(self._open) - _FILES_SPARE)
                self._has_room()
                self._enqueue(file)
                return False
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
        if account.packed_bytes and not self._unpack(file):
            return False
        verdict = judge(account.identity, look(file.fd, account.identity))
        if verdict is not Verdict.CONTINUE:
            return self._begin_anew(file, verdict)
        self._attach(file, account)
        return True

    def _unpack(self, file: FollowedFile) -> bool:
        """Unpack the open file if it is compressed; False if it is, and cannot be unpacked now."""
        try:
            open_content(file, self._settings.data, self._settings.unpacked_bytes_max)
        except (IncompleteArchive, TooLarge) as error:
            problem = str(error) or f"{Loss.UNPACKED}: over {self._settings.unpacked_bytes_max} bytes"
            self._complain(file.found.path, f"cannot be unpacked: {problem}")
            self._close(file)
            file.looked = file.disk
            return False
        except OSError as error:
            self._complain(file.found.path, f"cannot be unpacked: {error.strerror}")
            self._close(file)
            return False
        return True

    def _attach(self, file: FollowedFile, account: FileAccount) -> None:
        file.attach(account, read_bytes_max=self._settings.read_bytes_max, line_bytes_max=self._settings.line_bytes_max)
        self._fingerprints.add(account)

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
        """End the file's content, which is no more, or is in a copy. Return whether what is there now is followed."""
        account = file.read_so_far()
        assert account is not None
        _log.info("A file's content was begun anew.", path=file.found.path, verdict=verdict.value)
        until = file.peak if verdict is Verdict.TRUNCATED else file.size_before
        marks = tuple(file.marks)
        file.account = None  # it may go to another file
        if not self._hand_over(account, marks, until):
            self._lose(account, account.identity.offset, until, Loss.TRUNCATED)
        if file.missing_since_s is not None:
            self._drop(file)  # what begins outside of the globs is not ours
            return False
        file.begin_anew(self._known.next_generation(of=account.identity.generation))
        return True

    def _lose(self, account: FileAccount, offset: int, until: int, why: Loss) -> None:
        if until > offset:
            self._events.append(Lost(account.file_id, offset, until, why))
        self._events.append(Ended(account.file_id))

    # Copies

    def _hand_over(self, account: FileAccount, marks: Iterable[Mark], until: int) -> bool:
        """Go on with a content in a copy of its file; False if there is none. `until` is the most that it had."""
        unpacked = (self._settings.data, self._settings.unpacked_bytes_max)
        for heir in find_heirs(
            account,
            marks,
            discovery=self._discovery,
            source=self._settings.sources[0],
            followed=self._files,
            unpacked=unpacked,
        ):
            file = heir.file
            if heir.kind is Resemblance.PART:
                if heir.wanted:
                    self._pass_over(file)
                else:
                    file.close()
                continue
            if file.key not in self._files:
                file.missing_since_s = None if heir.wanted else self._monotonic_s()
                self._files[file.key] = file
            if until > file.size:
                self._events.append(Lost(account.file_id, file.size, until, Loss.TRUNCATED))
            self._take_over(file, account)
            return True
        return False

    def _take_over(self, file: FollowedFile, account: FileAccount) -> None:
        """Let the open file have the content of another one from now on."""
        device, inode = file.key
        identity = replace(account.identity, device=device, inode=inode)
        account = replace(account, identity=identity, packed_bytes=file.disk[0] if file.packed else 0, gone_ns=0)
        _log.info("A file has another one's content.", path=file.found.path, was=account.path)
        self._open[file.key] = file
        file.waits_since_s = None
        file.peak = file.size
        self._events.append(Resumed(account))
        self._attach(file, account)
        self._enqueue(file)

    def _pass_over(self, file: FollowedFile) -> None:
        """All that this open file has was read in another one: only what comes to it later is read."""
        assert file.fd is not None
        line = first_line(lambda size, offset: os.pread(file.fd or 0, size, offset), at_end=True)
        assert line is not None
        self._files.setdefault(file.key, file)
        self._open[file.key] = file
        writer = name_writer(file.found.source, file.found.path, host=self._settings.host)
        account = begin_account(file, writer, line, agent_host=self._settings.host, offset=file.size)
        self._attach(file, account)
        self._events.append(Opened(account))

    def _may_be_copy(self, file: FollowedFile, line: bytes) -> bool:
        """Whether to wait until it shows what the open file is. Where it shows already, the file gets its content."""
        assert file.fd is not None
        waits = False
        for key in self._fingerprints.where(digest(line)) - {file.key}:
            owner = self._files.get(key)
            account = owner.read_so_far() if owner else self._known.gone(key)
            same_name = bool(account and Path(account.path).name == Path(file.found.path).name)
            if account is None or not (related(account.path, file.found.path) or same_name):
                continue
            if owner is None:
                if file.packed and resemblance(file.fd, account.identity) is Resemblance.WHOLE:
                    self._known.remove(key)
                    self._take_over(file, account)
                    return False
            elif self._is_like(file, owner) and self._ensure_open(owner):
                if file.account is not None:
                    return False
                if owner.account is None or owner.fd is None:
                    continue
                waits |= self._waits_for(file, owner, same_name=same_name)
                if file.account is not None:
                    return False
        return waits and self._still_waits(file)

    def _is_like(self, file: FollowedFile, owner: FollowedFile) -> bool:
        if owner.fd is None or owner.account is None:
            return True
        verdict = judge(owner.account.identity, look(owner.fd, owner.account.identity))
        if verdict is not Verdict.CONTINUE:
            self._begin_anew(owner, verdict)
            self._enqueue(owner)
            return file.account is not None
        return same_bytes(file.fd or 0, owner.fd, min(file.size, owner.offset))

    def _waits_for(self, file: FollowedFile, owner: FollowedFile, *, same_name: bool) -> bool:
        """Whether the file may become the place of the owner's content; does that if the owner has lost its own."""
        replaced = same_name and owner.unlinked()
        if replaced and owner.offset < REPLACED_BYTES_MIN:
            return False
        if not (replaced or (file.packed and owner.missing_since_s is not None)):
            return True
        owner.refresh()
        if owner.unread or file.size < owner.offset:
            self._enqueue(owner)
            return True
        account = owner.read_so_far()
        assert account is not None
        owner.account = None
        self._drop(owner)
        self._take_over(file, account)
        return False

    def _still_waits(self, file: FollowedFile) -> bool:
        now = self._monotonic_s()
        if file.waits_since_s is None or file.waits_at != file.disk:
            file.waits_since_s, file.waits_at = now, file.disk
        if self._at_end or file.finishing or now - file.waits_since_s >= self._settings.copy_wait_s:
            if file.packed:
                self._pass_over(file)  # nobody compresses what is not a copy
            return False
        return True

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
            return self._at_end_of(file, at_end=at_end)
        file.active_s = self._monotonic_s()
        if self._has_news(file):
            self._enqueue(file)
        block = file.joiner.add(outcome) if file.joiner else outcome
        return self._tell(file, block) if block else self._at_end_of(file, at_end=at_end)

    def _tell(self, file: FollowedFile, block: Block) -> Block:
        assert file.account is not None
        self._events.append(Read(_source(file.account, file.modified_ns), block))
        return block

    def _at_end_of(self, file: FollowedFile, *, at_end: bool) -> Block | None:
        """Make whole what waits for the file that came after, and release the file if it is gone."""
        block = None
        if file.joiner and file.joiner.waits and not file.unread:
            block = self._complete(file) or (file.joiner.flush() if at_end else None)
            if block:
                self._tell(file, block)
        self._finish(file)
        return block

    def _complete(self, file: FollowedFile) -> Block | None:
        """Let the file's last line be made whole by the one that has its path now, if that has begun so."""
        assert file.account is not None
        after = self._by_path.get(file.account.path)
        if not file.rotated or after is None or after is file or not file.joiner:
            return None
        if after.account is None:
            self._enqueue(after)
        elif after.account.first and after.fd is not None:
            completed = file.joiner.complete(os.pread(after.fd, after.account.first, 0))
            return completed.block if completed else None
        return None

    def _begin_behind(self, file: FollowedFile) -> int | None:
        """Return how much of a new file belongs to the last line of the one before it; None while that must show."""
        for before in self._open.values():
            if before is file or not (before.joiner and before.rotated and before.account):
                continue
            if before.account.path != file.found.path or before.finishing:
                continue
            if before.unread:
                self._enqueue(before)
                return None
            if before.joiner.waits:
                assert file.fd is not None
                completed = before.joiner.complete(os.pread(file.fd, self._settings.read_bytes_max, 0))
                if completed is None:
                    return None
                self._made_whole.append((before, completed.block))
                return completed.head_bytes
        return 0

    def _begin(self, file: FollowedFile, *, at_end: bool) -> _Begun:
        """Find out what the open file's new content is, and begin to read it."""
        fd = file.fd
        assert fd is not None
        if not file.spooled and is_packed(fd):
            if file.waits_at != file.disk and not at_end:
                file.waits_at = file.disk
                return _Begun.LATER  # not while somebody compresses into it
            if not self._unpack(file):
                return _Begun.NOT_YET
            assert file.fd is not None
            fd = file.fd
        line = first_line(lambda size, offset: os.pread(fd, size, offset), at_end=at_end or file.spooled)
        if line is None:
            return _Begun.NOT_YET
        if self._may_be_copy(file, line):
            return _Begun.LATER
        if file.reader is not None:
            return _Begun.YES
        behind = 0 if file.skip or file.spooled or layout_of(line) is None else self._begin_behind(file)
        if behind is None and not at_end:
            return _Begun.LATER
        writer = name_writer(file.found.source, file.found.path, host=self._settings.host)
        account = begin_account(file, writer, line, agent_host=self._settings.host, offset=behind or None)
        for problem in writer.problems:
            self._complain(file.found.path, problem)
        self._attach(file, account)
        self._events.append(Opened(account))
        for before, block in self._made_whole:
            self._tell(before, block)
        self._made_whole.clear()
        return _Begun.YES

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
