"""What tailing tells, in order: the ledger and the pipeline act on it, tailing knows neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from clew_agent.reason import Reason
from clew_agent.wire import Source

from .account import FileAccount
from .reader import Block

__all__ = ["Ended", "Lost", "Opened", "Read", "Resumed", "Seen", "TailEvent"]


@dataclass(frozen=True, slots=True)
class Opened:
    """Content not known before; its id is fixed by now, and must be durable before any of its lines leaves."""

    account: FileAccount


@dataclass(frozen=True, slots=True)
class Resumed:
    """Known content is being read on; it may be in another file than before, which was copied."""

    account: FileAccount


@dataclass(frozen=True, slots=True)
class Seen:
    """The file has this size."""

    file_id: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Read:
    """Lines."""

    source: Source
    block: Block


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes that were there and will not be read."""

    file_id: bytes
    start: int
    end: int
    why: Reason


@dataclass(frozen=True, slots=True)
class Ended:
    """This content is no more: what was of it was read, or is lost."""

    file_id: bytes


TailEvent: TypeAlias = Opened | Resumed | Seen | Read | Lost | Ended
