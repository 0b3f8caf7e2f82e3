"""Tailing: which files there are, what is new in them, through rotation, truncation and restarts."""

from .account import FileAccount
from .discovery import Discovery, Found, Scan
from .events import Ended, Lost, Opened, Read, Resumed, Seen, TailEvent
from .identity import FileIdentity, FileKey, Sighting, Verdict, judge
from .known import KnownContents
from .naming import Writer, name_writer
from .reader import Block, Changed, Deferred, LineReader
from .tailer import Tailer, Turn
from .watch import Changes, DirectoryWatch

__all__ = [
    "Block",
    "Changed",
    "Changes",
    "Deferred",
    "DirectoryWatch",
    "Discovery",
    "Ended",
    "FileAccount",
    "FileIdentity",
    "FileKey",
    "Found",
    "KnownContents",
    "LineReader",
    "Lost",
    "Opened",
    "Read",
    "Resumed",
    "Scan",
    "Seen",
    "Sighting",
    "TailEvent",
    "Tailer",
    "Turn",
    "Verdict",
    "Writer",
    "judge",
    "name_writer",
]
