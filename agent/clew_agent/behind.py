"""Since when a file is behind: when its size was first seen to be beyond what the receiver has now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from clew_agent.wire import FileLedger

__all__ = ["Behind"]

LOOKS_MAX = 32
"""Sizes that are remembered of a file that is behind; with more, every second one is."""


class Behind:
    """Remembers how large files were at each report, as long as the receiver lacks some of that."""

    def __init__(self) -> None:
        self._looks: dict[str, deque[tuple[int, int]]] = {}

    def tell(self, files: Iterable[FileLedger], now_ns: int) -> tuple[FileLedger, ...]:
        """Return the accounts with `behind_since_ns`, exact to the time between two reports."""
        told = []
        looks: dict[str, deque[tuple[int, int]]] = {}
        for file in files:
            if file.gone or file.seen <= file.acknowledged:
                told.append(file)
                continue
            own = looks[file.file_id] = self._looks.get(file.file_id) or deque()
            while own and own[0][1] <= file.acknowledged:
                own.popleft()
            if not own or own[-1][1] < file.seen:
                own.append((now_ns, file.seen))
            if len(own) > LOOKS_MAX:
                # The first stays: it says since when.
                own = looks[file.file_id] = deque(list(own)[::2])
            told.append(msgspec.structs.replace(file, behind_since_ns=own[0][0]))
        self._looks = looks
        return tuple(told)
