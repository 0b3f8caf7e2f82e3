"""Everything the collector raises on purpose, in one tree (its root is the agent's ClewError).

ClewError
├── DataDirectoryError   the data directory cannot be used: damaged, or of a newer version
├── LogError             the log could not take or give chunks
│   └── LogFull          there is no space for more; the sender should try again later
├── MessageError         a message of somebody else's topic is not in the form that it should have
└── StoreError           the store could not write or answer
"""

from __future__ import annotations

from clew_agent.errors import ClewError

__all__ = ["DataDirectoryError", "LogError", "LogFull", "MessageError", "StoreError"]


class DataDirectoryError(ClewError):
    """The data directory is damaged, of a newer version, or no data directory. Nothing in it was changed."""


class LogError(ClewError):
    """The log could not take or give chunks."""


class LogFull(LogError):
    """There is no space for more chunks; nothing of this append was kept."""


class MessageError(ClewError):
    """A message is not in the form that its topic should have; reading it again would not help."""


class StoreError(ClewError):
    """The store could not write or answer; what it had durably is still there."""
