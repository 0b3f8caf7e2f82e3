"""Counting: how many events, and how many of them errors, each group has in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from clew_collector.store.protocol import Store

from .decide import Measurement
from .rule import CompiledRule

__all__ = ["GROUPS_MAX", "Counts", "Measured", "StoreCounts", "measure"]

GROUPS_MAX = 1000
"""Groups of one rule that are measured; more are said to be there, not silently left out."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The groups of one rule by the value of its field."""

    groups: Mapping[str, Measurement]
    complete: bool
    """False when there are more groups than were asked for; those with most events are here."""


class Counts(Protocol):
    """Where counts come from."""

    async def group(self, rule: CompiledRule, *, errors: bool, start: int, end: int, limit: int) -> dict[str, int]:
        """Return events (or only the errors) by group in `start` <= time < `end`, ns UTC: the `limit` largest."""


class StoreCounts:
    """Counts of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def group(self, rule: CompiledRule, *, errors: bool, start: int, end: int, limit: int) -> dict[str, int]:
        """Return events (or only the errors) by group; as `Counts`."""
        wanted = rule.errors if errors else rule.events
        values = await self._store.facet(wanted, rule.rule.group_by, start=start, end=end, limit=limit)
        return {value.value: value.count for value in values}


async def measure(counts: Counts, rule: CompiledRule, now: int, *, groups_max: int = GROUPS_MAX) -> Measured:
    """Return the measurement of every group in the window that ends at `now`, ns UTC."""
    start = now - round(rule.rule.window * 1e9)
    # Errors first: events that arrive in between can then only make the share smaller, never larger than one.
    errors = await counts.group(rule, errors=True, start=start, end=now, limit=groups_max)
    events = await counts.group(rule, errors=False, start=start, end=now, limit=groups_max + 1)
    complete = len(events) <= groups_max
    groups = dict(list(events.items())[:groups_max])
    if len(errors) == groups_max and not complete:
        # A group that is missing among the errors may have some: it is not measured rather than taken for healthy.
        groups = {group: n for group, n in groups.items() if group in errors}
    return Measured({g: Measurement(n, errors.get(g, 0), start, now) for g, n in groups.items()}, complete)
