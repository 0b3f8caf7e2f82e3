"""Who has a content now whose file is no more, or has other content: the copy that rotation made of it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from clew_agent.config import SourceSettings

from .account import FileAccount
from .copies import REPLACED_BYTES_MIN, Resemblance, related, resemblance
from .discovery import Found, Scan
from .followed import FollowedFile, open_content
from .identity import FileKey, Mark
from .packed import IncompleteArchive, TooLarge

__all__ = ["Fingerprints", "Heir", "candidates_for", "find_heirs"]

_log = structlog.get_logger()


class Fingerprints:
    """Where contents with a certain first line are, or were."""

    def __init__(self) -> None:
        self._keys: defaultdict[bytes, set[FileKey]] = defaultdict(set)

    def add(self, account: FileAccount) -> None:
        """Remember a content's place."""
        self._keys[account.identity.fingerprint].add(account.identity.key)

    def where(self, fingerprint: bytes) -> frozenset[FileKey]:
        """Return the places; some of them may have another content by now."""
        return frozenset(self._keys.get(fingerprint, ()))

    def remove(self, account: FileAccount) -> None:
        """Forget a content's place."""
        keys = self._keys.get(account.identity.fingerprint, set())
        keys.discard(account.identity.key)
        if not keys:
            self._keys.pop(account.identity.fingerprint, None)


@dataclass(frozen=True, slots=True)
class Heir:
    """A file that has what another one had. It is open."""

    file: FollowedFile
    kind: Resemblance
    wanted: bool
    """The globs match it."""


def find_heirs(
    account: FileAccount,
    marks: Iterable[Mark],
    candidates: Iterable[tuple[Found, bool]],
    *,
    followed: Mapping[FileKey, FollowedFile],
    unpacked: tuple[Path, int],
) -> Iterator[Heir]:
    """Yield those of the candidates that have the account's content, and of which nothing else is known.

    What is yielded stays open, what is not is closed if it was not open before.
    """
    for found, wanted in candidates:
        file = followed.get(found.key) or FollowedFile(found, 0)
        if file.account is not None or found.key == account.identity.key:
            continue
        if found.path == account.path and account.identity.offset < REPLACED_BYTES_MIN:
            continue
        file.see(found.size, found.modified_ns)
        was_open = file.fd is not None
        try:
            open_content(file, *unpacked)
            assert file.fd is not None
            kind = resemblance(file.fd, account.identity, marks)
        except (OSError, IncompleteArchive, TooLarge) as error:
            _log.debug("A file could not be compared.", path=found.path, error=str(error))
            kind = Resemblance.NONE
        if kind is not Resemblance.NONE:
            yield Heir(file, kind, wanted)
        elif not was_open:
            file.close()


def candidates_for(account: FileAccount, scan: Scan, source: SourceSettings) -> Iterator[tuple[Found, bool]]:
    """Yield files that by their names may be made of the account's, and whether the globs match them.

    They are looked for among all that the globs match, and in the old directory, which is searched anew.
    """
    wanted = scan.files
    alike = [found for found in wanted.values() if related(account.path, found.path)]
    for found in sorted(alike, key=lambda found: -found.modified_ns):
        yield found, True
    try:
        with os.scandir(Path(account.path).parent) as entries:
            others = [entry for entry in entries if related(account.path, entry.name)]
            for entry in others:
                if entry.is_file(follow_symlinks=False):
                    seen = entry.stat(follow_symlinks=False)
                    key = FileKey(seen.st_dev, seen.st_ino)
                    if key not in wanted:
                        yield Found(key, entry.path, entry.path, source, seen.st_size, seen.st_mtime_ns), False
    except OSError as error:
        _log.debug("A directory cannot be searched for copies.", path=account.path, error=error.strerror)
