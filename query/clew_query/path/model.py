"""The path of a transaction: invocations, the calls between them, and the sections that took its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clew_collector.event import Event, Severity

__all__ = ["Call", "Invocation", "Path", "PathSection"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One service handling one call, as far as it logged. Its events are in order, and there is at least one."""

    id: str
    """`i1`, `i2`... in the order of first lines: short enough to be said aloud, unique in this path."""
    service: str
    instance: str
    host: str
    start: int
    """Time of its first line, ns UTC."""
    end: int
    """Latest time of its lines, ns UTC; never before `start`."""
    span_ids: tuple[str, ...]
    events: tuple[Event, ...]

    @property
    def errors(self) -> int:
        """How many of its events are errors or worse."""
        return sum(event.severity_number >= Severity.ERROR for event in self.events)


@dataclass(frozen=True, slots=True)
class Call:
    """Who called an invocation. `parent` is None for a root: called from outside, or by something that left no line."""

    parent: str | None
    child: str
    from_service: str | None
    to_service: str
    kind: Literal["sync", "async"]
    """`async` when the callee's first line comes after the caller's last one."""
    probability: float
    """Of this parent being the right one; 1.0 only where a span says so."""
    evidence: tuple[str, ...]
    """Why, in words for people."""


@dataclass(frozen=True, slots=True)
class PathSection:
    """A stretch of the critical path, ns UTC, spent in this invocation itself."""

    invocation: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Path:
    """A transaction as a forest: exactly one call per invocation, in the same order."""

    invocations: tuple[Invocation, ...] = ()
    calls: tuple[Call, ...] = ()
    critical_path: tuple[PathSection, ...] = ()
    """In order of time, disjoint; durations sum to that of the root that lasted longest."""
