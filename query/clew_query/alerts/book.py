"""The seam to what alerts must not forget: states, and notifications to send, changed together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .decide import AlertState, Phase
from .notification import AlertKey, Notification

__all__ = ["SETTLED_MAX", "AlertBook", "MemoryAlertBook", "Outgoing", "Queued"]

SETTLED_MAX = 1000
"""Notifications kept after they were sent or given up, for people to look at; older ones are deleted."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notification for one webhook."""

    webhook: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Queued:
    """A notification in the outbox. Times are ns UTC of the clock."""

    sequence: int
    webhook: str
    notification: Notification
    created_ns: int
    settled_ns: int | None = None
    given_up: str = ""
    """Why it was given up; empty when it was sent."""


class AlertBook(Protocol):
    """Keeps alert states and the outbox. Implementations: SQLite, memory; one contract suite.

    Every method raises AlertBookError when the book cannot be read or written; then nothing of the call was kept.
    """

    async def states(self) -> dict[AlertKey, AlertState]:
        """Return the alerts that are pending or firing."""

    async def record(
        self, changes: Mapping[AlertKey, AlertState], outgoing: Sequence[Outgoing], *, now_ns: int
    ) -> None:
        """Keep the changed states and queue what they tell: all or nothing, durable on return.

        An inactive alert is forgotten. A notification that the webhook has in the book already is not queued again.
        """

    async def heads(self) -> dict[str, Queued]:
        """Return, for each webhook, the oldest notification that is not settled: they are sent in this order."""

    async def settle(self, sequence: int, *, now_ns: int, given_up: str = "") -> None:
        """Note that a notification was sent or, with a reason, given up. Durable on return."""

    async def notifications(self, limit: int = 100) -> list[Queued]:
        """Return the latest notifications, latest first."""

    async def close(self) -> None:
        """Free files."""


class MemoryAlertBook:
    """A book that forgets when the process ends."""

    def __init__(self, *, settled_max: int = SETTLED_MAX) -> None:
        self._settled_max = settled_max
        self._states: dict[AlertKey, AlertState] = {}
        self._outbox: dict[int, Queued] = {}
        self._sequence = 0

    async def states(self) -> dict[AlertKey, AlertState]:
        """Return the alerts that are pending or firing."""
        return dict(self._states)

    async def record(
        self, changes: Mapping[AlertKey, AlertState], outgoing: Sequence[Outgoing], *, now_ns: int
    ) -> None:
        """Keep the changed states and queue what they tell; as `AlertBook`."""
        for key, state in changes.items():
            if state.phase is Phase.INACTIVE:
                self._states.pop(key, None)
            else:
                self._states[key] = replace(state, note="")
        known = {(q.webhook, q.notification.notification_id) for q in self._outbox.values()}
        for out in outgoing:
            if (out.webhook, out.notification.notification_id) not in known:
                self._sequence += 1
                self._outbox[self._sequence] = Queued(self._sequence, out.webhook, out.notification, now_ns)

    async def heads(self) -> dict[str, Queued]:
        """Return the oldest notification of each webhook that is not settled."""
        heads: dict[str, Queued] = {}
        for queued in self._outbox.values():
            if queued.settled_ns is None:
                heads.setdefault(queued.webhook, queued)
        return heads

    async def settle(self, sequence: int, *, now_ns: int, given_up: str = "") -> None:
        """Note that a notification was sent or given up."""
        self._outbox[sequence] = replace(self._outbox[sequence], settled_ns=now_ns, given_up=given_up)
        settled = [number for number, queued in self._outbox.items() if queued.settled_ns is not None]
        for number in settled[: -self._settled_max]:
            del self._outbox[number]

    async def notifications(self, limit: int = 100) -> list[Queued]:
        """Return the latest notifications, latest first."""
        return list(reversed(self._outbox.values()))[:limit]

    async def close(self) -> None:
        """Free nothing."""
