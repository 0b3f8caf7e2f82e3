"""A tailer, step by step, without a pipeline."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from clew_agent.config import AgentSettings
from clew_agent.tail import (
    Ended,
    FileAccount,
    KnownContents,
    Lost,
    Opened,
    Read,
    Resumed,
    Seen,
    Tailer,
    TailEvent,
)
from clew_agent.tail.followed import open_file
from clew_agent.wire import GivenUp


class Follower:
    """A tailer, and what came out of it: also what the next one after a restart would know."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = {"paths": [f"{folder}/*.log"]} | settings
        self.now_s = 0.0
        self.events: list[TailEvent] = []
        self.accounts: dict[bytes, FileAccount] = {}
        self.unreadable: set[str] = set()
        self.tailer: Tailer | None = None
        self.floor = 0

    def start(self, **options: Any) -> Tailer:
        paths = self.settings["paths"]
        other = {key: value for key, value in self.settings.items() if key != "paths"}
        settings = AgentSettings.model_validate({"sources": [{"paths": paths}], "read_bytes_max": 4096, **other})
        known = KnownContents(self.accounts.values(), generation_floor=self.floor)
        self.tailer = Tailer(settings, known, open_file=self._open, monotonic_s=lambda: self.now_s, **options)
        return self.tailer

    def restart(self, **options: Any) -> None:
        self.stop()
        self.start(**options)

    def stop(self) -> None:
        if self.tailer:
            self.tailer.close()
            self.tailer = None

    def go(self, *, scan: bool = True, acknowledged: bool = True) -> list[str]:
        """Scan, read everything; return the new lines as `first path's name:line`."""
        tailer = self.tailer or self.start()
        before = len(self.events)
        if scan:
            self._take(tailer.scan().events)
        more = True
        while more:
            turn = tailer.read_batch(bytes_max=1 << 20, chunks_max=100)
            self._take([event for event in turn.events if acknowledged or not isinstance(event, Read)])
            more = turn.more
        return [
            f"{Path(event.source.path).name}:{line.decode()}"
            for event in self.events[before:]
            if isinstance(event, Read)
            for line in event.block.payload.splitlines()
        ]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def _open(self, path: str) -> int:
        if path in self.unreadable:
            raise OSError(errno.EACCES, "Permission denied")
        return open_file(path)

    def _take(self, events: list[TailEvent]) -> None:
        self.events += events
        for event in events:
            match event:
                case Opened(account):
                    assert account.file_id not in self.accounts
                    self.accounts[account.file_id] = account
                case Read(source, block):
                    account = self.accounts[source.file_id]
                    assert account.identity.offset == block.start
                    identity = replace(account.identity, offset=block.end, tail=block.tail)
                    self.accounts[source.file_id] = replace(account, identity=identity, seen=block.end)
                case Ended(file_id):
                    self.accounts[file_id] = replace(self.accounts[file_id], gone_ns=1)
                case Lost(file_id, start, end, why):
                    account = self.accounts[file_id]
                    lost = (*account.given_up, GivenUp(start, end, str(why)))
                    self.accounts[file_id] = replace(account, given_up=lost)
                case Seen(file_id, size):
                    self.accounts[file_id] = replace(self.accounts[file_id], seen=size)
                case Resumed(account):
                    known = self.accounts[account.file_id]
                    device, inode = account.identity.key
                    identity = replace(known.identity, device=device, inode=inode)
                    self.accounts[account.file_id] = replace(
                        known, identity=identity, packed_bytes=account.packed_bytes, gone_ns=0
                    )


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


Follow = Callable[..., Follower]
