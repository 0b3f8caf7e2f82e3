"""What the content of a file is: the one read before, a copy of another file's, or new."""

from __future__ import annotations

import os
from collections.abc import Iterable

import structlog
from msgspec.structs import replace

from clew_agent.reason import Reason

from .account import FileAccount
from .copies import REPLACED_BYTES_MIN, Resemblance, related, resemblance, same_bytes
from .discovery import Discovery, Found, Scan
from .events import Lost, Resumed, Seen
from .followed import FollowedFile, open_content
from .identity import Mark, Verdict, digest, first_line, judge, look
from .packed import IncompleteArchive, TooLarge, is_packed
from .roster import Roster
from .succession import candidates_for, find_heirs

__all__ = ["Contents"]

_log = structlog.get_logger()


class Contents:
    """Recognises contents, and hands them over when rotation copies or replaces their files."""

    def __init__(self, roster: Roster, discovery: Discovery, *, at_end: bool) -> None:
        self._roster = roster
        self.discovery = discovery
        self._at_end = at_end
        self.scanned: Scan | None = None
        """What is there, as this turn has seen it: searched once, however many contents are no more."""

    def ensure_open(self, file: FollowedFile) -> bool:
        """Open the file and find out what its content is; False if it cannot be, or is none of ours any more."""
        return file.fd is not None or (self._roster.open_plain(file) and self._recognise(file))

    def resume(self, file: FollowedFile, account: FileAccount) -> None:
        """Go on with a known content, as soon as the file has something new."""
        self._roster.events.append(Resumed(account))
        self._roster.fingerprints.add(account)
        file.peak = file.size_before = file.size = account.seen
        file.packed = account.packed_bytes > 0
        if file.packed and account.packed_bytes == file.found.size and account.seen == account.identity.offset:
            file.looked = (file.found.size, file.found.modified_ns)  # nothing new; not unpacked for that

    def _recognise(self, file: FollowedFile) -> bool:
        account = file.account
        assert file.fd is not None
        if account is None:
            return True
        if account.packed_bytes and not self.unpack(file):
            return False
        verdict = judge(account.identity, look(file.fd, account.identity))
        if verdict is not Verdict.CONTINUE:
            return self.begin_anew(file, verdict)
        self._roster.attach(file, account)
        return True

    def unpack(self, file: FollowedFile) -> bool:
        """Unpack the open file if it is compressed; False if it is, and cannot be unpacked now."""
        try:
            open_content(file, self._roster.settings.data, self._roster.settings.unpacked_bytes_max)
        except (IncompleteArchive, TooLarge) as error:
            problem = str(error) or f"its content is over {self._roster.settings.unpacked_bytes_max} bytes"
            self._roster.complain(file.found.path, f"cannot be unpacked: {problem}")
            self._roster.close(file)
            file.looked = file.disk
            return False
        except OSError as error:
            self._roster.complain(file.found.path, f"cannot be unpacked: {error.strerror}")
            self._roster.close(file)
            return False
        return True

    def begin_anew(self, file: FollowedFile, verdict: Verdict) -> bool:
        """End the file's content, which is no more, or is in a copy. Return whether what is there now is followed."""
        account = file.read_so_far()
        assert account is not None
        _log.info("A file's content was begun anew.", path=file.found.path, verdict=verdict.value)
        until = file.peak
        if verdict is Verdict.REPLACED:
            until = file.sighted.offset if file.sighted else file.size_before
        marks = tuple(file.marks)
        file.account = None  # it may go to another file
        self.scanned = self.scanned or self.discovery.scan()
        candidates = candidates_for(account, self.scanned, self._roster.settings.sources[0])
        if not self.hand_over(account, marks, until, candidates):
            self._roster.lose(account, account.identity.offset, until, Reason.TRUNCATED)
            file.account = account
        if file.missing_since_s is not None:
            self._roster.drop(file)  # what begins outside of the globs is not ours
            return False
        file.begin_anew(self._roster.known.next_generation(of=account.identity.generation))
        return True

    def glance(self, file: FollowedFile) -> bool:
        """Notice that a file has another content than at the last look, before that one, too, is lost unread.

        Return whether it is still followed.
        """
        closed = file.fd is None
        if file.packed or (closed and not self._roster.open_plain(file)):
            return True
        assert file.fd is not None
        followed = is_packed(file.fd) or self._compare(file)
        if closed:
            self._roster.close(file)
        return followed

    def _compare(self, file: FollowedFile) -> bool:
        verdict = file.look_into()
        if file.sighted and verdict is not Verdict.CONTINUE:
            if not file.account:
                self._roster.lose_unread(file, Reason.TRUNCATED, until=file.sighted.offset)
            elif not self.begin_anew(file, verdict):
                return False
        file.sight()
        return True

    def hand_over(
        self, account: FileAccount, marks: Iterable[Mark], until: int, candidates: Iterable[tuple[Found, bool]]
    ) -> bool:
        """Go on with a content in a copy of its file; False if there is none. `until` is the most that it had."""
        unpacked = (self._roster.settings.data, self._roster.settings.unpacked_bytes_max)
        for heir in find_heirs(account, marks, candidates, followed=self._roster.files, unpacked=unpacked):
            file = heir.file
            if heir.kind is Resemblance.PART:
                if heir.wanted:
                    self._pass_over(file)
                else:
                    file.close()
                continue
            if file.key not in self._roster.files:
                file.missing_since_s = None if heir.wanted else self._roster.monotonic_s()
                self._roster.files[file.key] = file
            if until > file.size:
                self._roster.events.append(Lost(account.file_id, file.size, until, Reason.TRUNCATED))
            self._take_over(file, account)
            return True
        return False

    def _take_over(self, file: FollowedFile, account: FileAccount) -> None:
        """Let the open file have the content of another one from now on."""
        device, inode = file.key
        identity = replace(account.identity, device=device, inode=inode)
        account = replace(account, identity=identity, packed_bytes=file.disk[0] if file.packed else 0, gone_ns=0)
        _log.info("A file has another one's content.", path=file.found.path, was=account.path)
        self._roster.open[file.key] = file
        file.waits_since_s = None
        file.peak = file.size
        # Its old place may have been told as empty: who restarts now must not think that there is nothing to read.
        self._roster.events += (Resumed(account), Seen(account.file_id, file.size))
        self._roster.attach(file, account)
        self._roster.enqueue(file)

    def _pass_over(self, file: FollowedFile) -> None:
        """All that this open file has was read in another one: only what comes to it later is read."""
        assert file.fd is not None
        line = first_line(lambda size, offset: os.pread(file.fd or 0, size, offset), at_end=True)
        assert line is not None
        self._roster.files.setdefault(file.key, file)
        self._roster.open[file.key] = file
        self._roster.begin(file, self._roster.new_account(file, line, offset=file.size))

    def may_be_copy(self, file: FollowedFile, line: bytes) -> bool:
        """Whether to wait until it shows what the open file is. Where it shows already, the file gets its content."""
        assert file.fd is not None
        waits = False
        for key in self._roster.fingerprints.where(digest(line)) - {file.key}:
            owner = self._roster.files.get(key)
            account = owner.read_so_far() if owner else self._roster.known.gone(key)
            if account is None:
                continue
            same_path = account.path == file.found.path
            if not same_path and not related(account.path, file.found.path):
                continue
            if owner is None:
                if file.packed and resemblance(file.fd, account.identity) is Resemblance.WHOLE:
                    self._roster.known.remove(key)
                    self._take_over(file, account)
                    return False
            elif self.ensure_open(owner):
                waits |= (
                    file.account is None
                    and self._is_like(file, owner)
                    and self._waits_for(file, owner, same_path=same_path)
                )
            if file.account is not None:
                return False
        return waits and self._still_waits(file, line)

    def _is_like(self, file: FollowedFile, owner: FollowedFile) -> bool:
        if owner.fd is None or owner.account is None:
            return False  # it has another content now
        verdict = judge(owner.account.identity, look(owner.fd, owner.account.identity))
        if verdict is not Verdict.CONTINUE:
            if self.begin_anew(owner, verdict):
                self._roster.enqueue(owner)
            return False
        return same_bytes(file.fd or 0, owner.fd, min(file.size, owner.size))

    def _waits_for(self, file: FollowedFile, owner: FollowedFile, *, same_path: bool) -> bool:
        """Whether the file may become the place of the owner's content; does that if the owner has lost its own."""
        owner.refresh()
        replaced = same_path and owner.unlinked()
        if same_path and not (replaced and owner.offset >= REPLACED_BYTES_MIN):
            return False  # what comes under the old name is new
        if not (replaced or (file.packed and owner.missing_since_s is not None)):
            return file.size <= owner.size  # a copy has no more than its original
        if owner.unread or file.size < owner.offset:
            self._roster.enqueue(owner)
            return True
        account = owner.read_so_far()
        assert account is not None
        owner.account = None
        self._roster.drop(owner)
        self._take_over(file, account)
        return False

    def _still_waits(self, file: FollowedFile, line: bytes) -> bool:
        now = self._roster.monotonic_s()
        if file.waits_since_s is None or file.waits_at != file.disk:
            file.waits_since_s, file.waits_at = now, file.disk
        if self._at_end or file.finishing or now - file.waits_since_s >= self._roster.settings.copy_wait_s:
            if file.packed and file.size > len(line):
                self._pass_over(file)  # nobody compresses what is not a copy
            return False
        return True
