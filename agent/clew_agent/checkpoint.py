"""The agent's memory: one small file, replaced whole, so that it survives a crash at any moment.

A line that names the format and the digest of the rest, then JSON. The copy before stays as `checkpoint.previous`. It
holds what was acknowledged, never what was only sent (ARCHITECTURE.md, invariant 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from clew_agent.durable import replace_file
from clew_agent.errors import CheckpointError
from clew_agent.tail import FileAccount

__all__ = ["Checkpoint", "CheckpointFile", "Loaded"]

_FORMAT = 1
_NAME = "clew-checkpoint"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent must remember."""

    agent_id: str
    generation_floor: int = 0
    """Content whose inode is not known gets this generation or a higher one."""
    files: tuple[FileAccount, ...] = ()


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
            checkpoint = _decode(data, path)
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
        body = msgspec.json.encode(checkpoint)
        try:
            replace_file(self._path, _header(body) + body, durable=True, keep=self._previous)
        except OSError as error:
            raise CheckpointError(
                f"the checkpoint {self._path} cannot be written: {error.strerror}",
                hint="free space in the agent's directory, or give its user access; reading waits until then",
            ) from error


def _header(body: bytes) -> bytes:
    return f"{_NAME} {_FORMAT} {blake2b(body, digest_size=16).hexdigest()}\n".encode()


def _decode(data: bytes, path: Path) -> Checkpoint | None:
    head, _, body = data.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ")
    if len(words) == 3 and words[0] == _NAME and words[1].isdecimal() and int(words[1]) > _FORMAT:
        raise CheckpointError(
            f"the checkpoint {path} is of format {words[1]}, this agent knows {_FORMAT}",
            hint="run the newer agent that wrote it, or give this one another directory",
        )
    if data[: len(head) + 1] != _header(body):
        return None
    try:
        return msgspec.json.decode(body, type=Checkpoint)
    except msgspec.MsgspecError:
        return None
