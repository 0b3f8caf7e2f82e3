"""Everything the query side raises on purpose, in one tree (its root is the agent's ClewError).

ClewError
├── BadRequest       a parameter of a request does not hold
├── QueryError       the query does not parse; carries the position
├── NotFound         nothing is known by that id
├── Unavailable      this process has no part that could answer that
├── ServerError      the server answered with an error, or not at all
├── PathModelError   what was learned of paths could not be read or written
├── RuleError        an alert rule does not hold
└── AlertBookError   alert states and notifications could not be read or written
"""

from __future__ import annotations

from clew_agent.errors import ClewError

__all__ = [
    "AlertBookError",
    "BadRequest",
    "NotFound",
    "PathModelError",
    "QueryError",
    "RuleError",
    "ServerError",
    "Unavailable",
]


class BadRequest(ClewError):
    """A parameter of a request does not hold."""


class QueryError(ClewError):
    """The query does not parse. `position` counts characters from 0."""

    def __init__(self, message: str, *, position: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class NotFound(ClewError):
    """Nothing is known by that id."""


class Unavailable(ClewError):
    """This process has no part that could answer that."""


class ServerError(ClewError):
    """The server answered with an error, or not at all."""


class PathModelError(ClewError):
    """What was learned of paths could not be read or written."""


class RuleError(ClewError):
    """An alert rule does not hold."""


class AlertBookError(ClewError):
    """Alert states and notifications could not be read or written; nothing of the failed change was kept."""
