"""The agent's memory: one small file that survives a crash at any moment.

Its first line names the format and the digest of the second, which is all that was known when the file was written
whole. Each line behind these has a digest and what has changed since: keeping it costs what happens, not what is known.
With more changes than it began with it is written whole again; the copy before stays as `checkpoint.previous`. It holds
what was acknowledged, never what was only sent (ARCHITECTURE.md, invariant 2).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from clew_agent.durable import replace_file
from clew_agent.errors import CheckpointError
from clew_agent.tail import FileAccount

__all__ = ["Checkpoint", "CheckpointFile", "Loaded"]

_FORMAT = 2
"""Format 1 had no changes, and is read like one without any."""
_NAME = "clew-checkpoint"
_CHANGES_BYTES_MIN = 1 << 16
"""Below so much a file is not written whole because of its changes."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent must remember."""

    agent_id: str
    generation_floor: int = 0
    """Content whose inode is not known gets this generation or a higher one."""
    files: tuple[FileAccount, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a checkpoint since the record before."""

    generation_floor: int
    files: tuple[FileAccount, ...] = ()
    """Accounts that are new or have changed."""
    forgotten: tuple[bytes, ...] = ()
    """Ids of accounts that are dropped."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be read, and in words what could not."""

    checkpoint: Checkpoint | None
    """None: there is none, or no copy of it is whole."""
    warnings: tuple[str, ...] = ()


class CheckpointFile:
    """The checkpoint in an agent's directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "checkpoint"
        self._previous = directory / "checkpoint.previous"
        self._agent_id = ""
        """Whose the file is; empty while nothing can be written behind what is there."""
        self._accounts: dict[bytes, FileAccount] = {}
        """What is in it, by id."""
        self._changes_bytes_max = 0
        """So much may still be written behind."""

    def load(self) -> Loaded:
        """Return the newest whole copy. CheckpointError if it is of a newer version, or cannot be read at all.

        A damaged file is kept as `checkpoint.damaged` and is no error: the copy before it may send some lines again,
        a start without any sends all of them again, under the ids that they had.
        """
        warnings: list[str] = []
        for path in (self._path, self._previous):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CheckpointError(
                    f"the checkpoint {path} cannot be read: {error.strerror}",
                    hint="give the agent's user access to its directory",
                ) from error
            checkpoint, lost_bytes = _decode(data, path)
            if lost_bytes and checkpoint:
                warnings.append(
                    f"The last {lost_bytes} bytes of the checkpoint {path} are damaged, or half written in a crash:"
                    " what they told of is sent again, under the same ids."
                )
            if checkpoint:
                return Loaded(checkpoint, tuple(warnings))
            damaged = path.with_name("checkpoint.damaged")
            path.replace(damaged)
            warnings.append(f"The checkpoint {path} is damaged; it is kept as {damaged}.")
        if warnings:
            warnings.append("No copy of the checkpoint is whole: every file is read again from its beginning.")
        return Loaded(None, tuple(warnings))

    def save(self, checkpoint: Checkpoint) -> None:
        """Make the checkpoint durable. CheckpointError if that fails; then the old one stands."""
        try:
            if not self._append(checkpoint):
                self._replace(checkpoint)
        except OSError as error:
            self._agent_id = ""  # the last line may be half there
            raise CheckpointError(
                f"the checkpoint {self._path} cannot be written: {error.strerror}",
                hint="free space in the agent's directory, or give its user access; reading waits until then",
            ) from error
        self._agent_id = checkpoint.agent_id

    def _append(self, checkpoint: Checkpoint) -> bool:
        """Write what has changed behind what is there; False if it is better written whole."""
        if self._agent_id != checkpoint.agent_id:
            return False
        changes = _changes(self._accounts, checkpoint)
        body = msgspec.json.encode(changes)
        line = _digest(body) + b" " + body + b"\n"
        if len(line) > self._changes_bytes_max:
            return False
        try:
            with self._path.open("rb+") as file:  # never one that is made here, without its beginning
                file.seek(0, os.SEEK_END)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return False
        self._changes_bytes_max -= len(line)
        _apply(changes, self._accounts)
        return True

    def _replace(self, checkpoint: Checkpoint) -> None:
        body = msgspec.json.encode(checkpoint)
        replace_file(self._path, _header(body, _FORMAT) + body + b"\n", durable=True, keep=self._previous)
        self._accounts = {account.file_id: account for account in checkpoint.files}
        self._changes_bytes_max = max(_CHANGES_BYTES_MIN, len(body))


def _changes(before: dict[bytes, FileAccount], checkpoint: Checkpoint) -> Changes:
    files = tuple(account for account in checkpoint.files if before.get(account.file_id) is not account)
    forgotten: set[bytes] = set()
    if len(before) + sum(account.file_id not in before for account in files) > len(checkpoint.files):
        forgotten = before.keys() - {account.file_id for account in checkpoint.files}
    return Changes(generation_floor=checkpoint.generation_floor, files=files, forgotten=tuple(sorted(forgotten)))


def _apply(changes: Changes, accounts: dict[bytes, FileAccount]) -> None:
    for file_id in changes.forgotten:
        accounts.pop(file_id, None)
    accounts.update((account.file_id, account) for account in changes.files)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).hexdigest().encode()


def _header(body: bytes, number: int) -> bytes:
    return f"{_NAME} {number} ".encode() + _digest(body) + b"\n"


def _decode(data: bytes, path: Path) -> tuple[Checkpoint | None, int]:
    """Return what was known at the end of the last line that is whole, and how many bytes come behind it."""
    head, *lines = data.split(b"\n")  # at once: the rest copied for each line would cost its square
    words = head.decode("ascii", "replace").split(" ")
    number = int(words[1]) if len(words) == 3 and words[0] == _NAME and words[1].isdecimal() else 0
    if number > _FORMAT:
        raise CheckpointError(
            f"the checkpoint {path} is of format {number}, this agent knows {_FORMAT}",
            hint="run the newer agent that wrote it, or give this one another directory",
        )
    body = lines[0] if lines else b""
    if head + b"\n" != _header(body, number):
        return None, len(data)
    lost_bytes = len(b"\n".join(lines[1:]))
    try:
        checkpoint = msgspec.json.decode(body, type=Checkpoint)
        accounts = {account.file_id: account for account in checkpoint.files}
        generation_floor = checkpoint.generation_floor
        for line in lines[1:-1]:  # what is behind the last line's end is none
            digest, _, body = line.partition(b" ")
            if digest != _digest(body):
                break
            changes = msgspec.json.decode(body, type=Changes)
            _apply(changes, accounts)
            generation_floor = changes.generation_floor
            lost_bytes -= len(line) + 1
    except msgspec.MsgspecError:
        return None, len(data)
    files = tuple(accounts.values())
    return Checkpoint(agent_id=checkpoint.agent_id, generation_floor=generation_floor, files=files), lost_bytes
