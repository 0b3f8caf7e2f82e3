"""What the API answers from: a store, and what else there is beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from clew_collector.agents import SeenAgent
from clew_collector.audit import Audit
from clew_collector.event import Event
from clew_collector.service import Collector, Readers
from clew_collector.store.protocol import Store
from clew_query.path.learned.keeper import PathModelKeeper

__all__ = ["AlertsView", "Backend", "Live", "NoRules", "Subscription"]


class AlertsView(Protocol):
    """Alerts as they are now, and the rules that they come from."""

    async def alerts(self) -> list[dict[str, Any]]:
        """Return every alert that is pending or firing."""

    async def rules(self) -> list[dict[str, Any]]:
        """Return every rule."""


class NoRules:
    """The view where no rules were given."""

    async def alerts(self) -> list[dict[str, Any]]:
        """Return none."""
        return []

    async def rules(self) -> list[dict[str, Any]]:
        """Return none."""
        return []


class Subscription(Protocol):
    """A live tail's queue of events, bounded: what does not fit is dropped and counted."""

    async def next(self, timeout_s: float) -> Sequence[Event]:
        """Return the events that came since, at least one, or none after the timeout."""

    def take_dropped(self) -> int:
        """Return how many were dropped since last asked."""


class Live(Protocol):
    """Gives every event that became searchable to every subscriber."""

    def subscribe(self) -> AbstractContextManager[Subscription]:
        """Return a subscription that lives as long as the context is open."""


async def _no_problem() -> Sequence[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Backend:
    """Where answers come from; what needs a part that is None is answered with 503, which says so."""

    store: Store
    agents: Callable[[], Sequence[SeenAgent]] = tuple
    """Every agent's last heartbeat, and when it came."""
    audit: Callable[[], Awaitable[Audit]] | None = None
    """Compares what agents had acknowledged with what is in log and store."""
    live: Live | None = None
    alerts: AlertsView | None = None
    paths: PathModelKeeper = field(default_factory=lambda: PathModelKeeper(None))
    """What was learned of paths."""
    problems: Callable[[], Awaitable[Sequence[str]]] = _no_problem
    """Why this process is not ready, in sentences; nothing when it is."""

    @classmethod
    def of_collector(cls, collector: Collector, *, alerts: AlertsView | None = None) -> Self:
        """Return the backend of a process that takes events in; without `alerts` there are no rules."""
        return cls(
            store=collector.store,
            agents=collector.agents.seen,
            audit=collector.audit,
            live=collector.live,
            alerts=alerts or NoRules(),
            paths=PathModelKeeper(collector.directory.path if collector.directory else None),
            problems=collector.ready,
        )

    @classmethod
    def of_readers(cls, readers: Readers, data: Path | None = None) -> Self:
        """Return the backend over a data directory that is only read: no live tail, no alerts.

        `data` is the directory, which may hold a model of paths.
        """
        return cls(
            store=readers.store,
            agents=readers.agents.seen,
            audit=readers.audit,
            paths=PathModelKeeper(data),
        )
