"""Being told of changes: inotify on directories. Only for latency; whatever it misses, the next scan finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from inotify_simple import INotify, flags

__all__ = ["Changes", "DirectoryWatch"]

_log = structlog.get_logger()

_CONTENT = flags.MODIFY
_NAMES = flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE | flags.ATTRIB
_MOVED = flags.MOVE_SELF


@dataclass(slots=True)
class Changes:
    """What happened since last asked."""

    written: set[str] = field(default_factory=set)
    """Paths of files whose content changed."""
    names_changed: bool = False
    """Files came, went, were renamed, or events were lost: only a scan can say what is there."""


class DirectoryWatch:
    """Watches directories. Where the kernel gives no (more) watches, it says so once and does without."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, set[str]] = {}  # links make several paths one directory, which has one watch
        self._refused: set[str] = set()
        self._inotify: INotify | None = None
        try:
            self._inotify = INotify(nonblocking=True)
        except OSError as error:
            _log.warning("There is no inotify; changes are found by scanning.", error=error.strerror)

    def fileno(self) -> int | None:
        """Return the descriptor that becomes readable on a change, None if there is no inotify."""
        return self._inotify.fileno() if self._inotify else None

    def follow(self, directories: Iterable[str]) -> bool:
        """Watch these directories, and no longer those that are not among them.

        Return whether some are watched only now: what happened in them since they were scanned was not seen.
        """
        if not self._inotify:
            return False
        wanted = set(directories)
        for directory in self._numbers.keys() - wanted:
            self._leave(self._inotify, directory)
        self._refused &= wanted
        added = [self._add(self._inotify, directory) for directory in wanted - self._numbers.keys() - self._refused]
        return any(added)

    def changes(self) -> Changes:
        """Return what happened since last asked; does not wait."""
        changes = Changes()
        if not self._inotify:
            return changes
        for event in self._inotify.read(timeout=0):
            if event.mask & _MOVED and event.wd in self._names:
                # The watch went with the directory; its path may soon be another one's.
                for directory in tuple(self._names[event.wd]):
                    self._leave(self._inotify, directory)
            if event.mask & _CONTENT:
                changes.written.update(f"{directory}/{event.name}" for directory in self._names.get(event.wd, ()))
            else:
                changes.names_changed = True
            if event.mask & flags.IGNORED:
                for directory in self._names.pop(event.wd, set()):
                    del self._numbers[directory]
        return changes

    def close(self) -> None:
        """Free the descriptor."""
        if self._inotify:
            self._inotify.close()
            self._inotify = None

    def _add(self, inotify: INotify, directory: str) -> bool:
        try:
            number = inotify.add_watch(directory, _CONTENT | _NAMES | _MOVED | flags.ONLYDIR)
        except (FileNotFoundError, NotADirectoryError):
            return False  # may come later
        except OSError as error:
            self._refused.add(directory)
            _log.warning(
                "A directory cannot be watched; its changes are found by scanning.",
                directory=directory,
                error=error.strerror,
            )
            return False
        self._numbers[directory] = number
        self._names.setdefault(number, set()).add(directory)
        return True

    def _leave(self, inotify: INotify, directory: str) -> None:
        number = self._numbers.pop(directory)
        self._names[number].discard(directory)
        if self._names[number]:
            return
        del self._names[number]
        try:
            inotify.rm_watch(number)
        except OSError as error:
            _log.debug("A watch went with its directory.", directory=directory, error=error.strerror)
