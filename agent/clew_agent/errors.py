"""Everything the agent raises on purpose, in one tree.

ClewError                    what an operator may see: a message, and a hint what to do
├── SettingsError            the configuration does not hold; carries every problem found at once
├── ChunkError               bytes that are not a chunk, or a chunk that contradicts itself
├── TransportError           chunks were not acknowledged
│   ├── TransportUnavailable try again later (down, busy, disk full there); carries `retry_after_s`
│   └── ChunkRefused         the receiver will never take this chunk
├── CheckpointError          the checkpoint cannot be read or written
├── DirectoryLocked          another process works in this directory
├── InstallFailed            the agent could not be made a service, or a service removed
└── MissingExtra             the command needs an extra that is not installed
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "ChunkError",
    "ChunkRefused",
    "ClewError",
    "DirectoryLocked",
    "InstallFailed",
    "MissingExtra",
    "SettingsError",
    "TransportError",
    "TransportUnavailable",
]


class ClewError(Exception):
    """A failure an operator can act on: `message` says what happened, `hint` what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(ClewError):
    """The configuration does not hold; `problems` names every key that is wrong, not only the first."""

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__("\n".join([message, *(f"  - {problem}" for problem in problems)]), hint=hint)
        self.problems = problems


class ChunkError(ClewError):
    """These bytes are not a chunk, or the chunk's columns contradict each other."""


class TransportError(ClewError):
    """Chunks were not acknowledged."""


class TransportUnavailable(TransportError):
    """The receiver cannot take chunks now; the same chunks should be sent again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class ChunkRefused(TransportError):
    """The receiver will never take this chunk; sending it again is useless."""


class CheckpointError(ClewError):
    """The checkpoint cannot be read or written."""


class DirectoryLocked(ClewError):
    """Another process works in this directory."""


class InstallFailed(ClewError):
    """The agent could not be made a service of the system, or the service not be removed."""


class MissingExtra(ClewError):
    """The command needs an optional part of Clew that is not installed."""
