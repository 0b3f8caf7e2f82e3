"""Which files there are: the globs, searched again and again. This is the truth; inotify only makes it quick."""

# ruff: noqa: PTH116, PTH120, PTH207 - absolute globs are not Path.glob's, and ten thousand paths are cheaper as strings
from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate

from clew_agent.config import SourceSettings

from .identity import FileKey

__all__ = ["Discovery", "Found", "Scan"]


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that a source matches, symbolic links followed."""

    key: FileKey
    path: str
    """As the glob has it."""
    real_path: str
    """Where the link leads, if `path` is one."""
    source: SourceSettings
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What one search found."""

    files: dict[FileKey, Found]
    """One entry a file, however many globs, links or names lead to it: the first source's, the first path by name."""
    unmatched: tuple[str, ...]
    """Globs that match no file."""
    problems: dict[str, str]
    """Path -> why it could not be looked at."""
    directories: frozenset[str]
    """Where files were found or may appear."""


class Discovery:
    """Searches the globs of some sources."""

    def __init__(self, sources: Sequence[SourceSettings]) -> None:
        self._sources = [(source, [re.compile(translate(pattern)) for pattern in source.exclude]) for source in sources]

    def scan(self) -> Scan:
        """Search every glob."""
        files: dict[FileKey, Found] = {}
        unmatched: list[str] = []
        problems: dict[str, str] = {}
        directories: set[str] = set()
        for source, exclude in self._sources:
            for pattern in source.paths:
                count = 0
                directories.update(_where_files_may_appear(pattern))
                for path in sorted(glob.iglob(pattern, recursive=True)):
                    if any(excluded.match(path) for excluded in exclude):
                        continue
                    found = _look(path, source, problems)
                    if found:
                        count += 1
                        files.setdefault(found.key, found)
                        directories |= {os.path.dirname(path), os.path.dirname(found.real_path)}
                if not count:
                    unmatched.append(pattern)
        return Scan(files, tuple(dict.fromkeys(unmatched)), problems, frozenset(directories))


def _look(path: str, source: SourceSettings, problems: dict[str, str]) -> Found | None:
    real_path = path
    try:
        seen = os.lstat(path)
        if stat.S_ISLNK(seen.st_mode):
            seen = os.stat(path)
            real_path = os.path.realpath(path)
    except FileNotFoundError:
        return None  # gone since the glob saw it, or a link to nothing
    except OSError as error:
        problems[path] = f"cannot be looked at: {error.strerror}"
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    return Found(FileKey(seen.st_dev, seen.st_ino), path, real_path, source, seen.st_size, seen.st_mtime_ns)


def _where_files_may_appear(pattern: str) -> Iterator[str]:
    directory = os.path.dirname(pattern)
    if not glob.has_magic(directory):
        yield directory
    elif "**" not in directory:
        yield from glob.iglob(directory)
