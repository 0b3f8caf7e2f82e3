"""The path of a transaction: invocations, the calls between them, and the sections that took its time.

What there are thousands of are Structs, which are made ten times as fast as frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from clew_collector.event import Event, Severity

from .clock import HostClock

__all__ = ["Call", "Invocation", "Path", "PathLink", "PathSection", "ServiceTime"]

_ERROR = int(Severity.ERROR)
"""Comparing with the enumeration's member takes longer than everything else about an event."""


class Invocation(msgspec.Struct, frozen=True):
    """One service handling one call, as far as it logged. Its events are in order.

    There is at least one, unless it is a placeholder: somebody of whom nothing is here, known from what others say.
    """

    id: str
    """`i1`, `i2`... in the order of first lines, `u1`... for placeholders: short enough to be said, unique here."""
    service: str
    instance: str
    host: str
    start: int
    """Time of its first line or span, ns UTC by the reference clock."""
    end: int
    """Latest time of its lines, or end of its spans, ns UTC; never before `start`."""
    span_ids: tuple[str, ...]
    events: tuple[Event, ...]
    self_time: int = 0
    """How much of its time nobody was at work that it waited for, ns."""
    slack: int | None = None
    """How much later it could have ended before its root would have, ns; None where nobody waited for it."""
    placeholder: str = ""
    """Why nothing of it is here; empty for an invocation that has events."""
    offset: int = 0
    """How far its host's clock is ahead of the reference, ns: `start` is that much before its first event's time."""
    failures: int = 0
    """How many calls to a placeholder failed, as its callers saw them."""

    @property
    def errors(self) -> int:
        """How many of its events are errors or worse, or spans that failed."""
        failed = [event for event in self.events if event.severity_number >= _ERROR or event.status == "error"]
        return self.failures + len(failed)


class Call(msgspec.Struct, frozen=True):
    """Who called an invocation. `parent` is None for a root: called from outside, or by something that left no line."""

    parent: str | None
    child: str
    from_service: str | None
    to_service: str
    kind: Literal["sync", "async"]
    """As the kinds of spans say; else `async` when the callee's first line comes after the caller's last one."""
    probability: float
    """Of this parent being the right one; 1.0 only where a span says so."""
    evidence: tuple[str, ...]
    """Why, in words for people."""
    count: int = 1
    """How many calls a placeholder stands for; nobody knows when each of several was."""


class PathLink(msgspec.Struct, frozen=True):
    """A span's link to another span beside its parent: the messages of a batch, the cause of a retry."""

    invocation: str
    to: str | None
    """The invocation that has the other span; None where it is not among these lines, or of another transaction."""
    transaction_id: str
    span_id: str


class PathSection(msgspec.Struct, frozen=True):
    """A stretch of a root's critical path, ns UTC, spent in this invocation itself."""

    root: str
    invocation: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """What a service took in all its invocations, ns."""

    service: str
    invocations: int
    self_time: int
    critical_time: int
    """How long it was waited for while it worked itself."""


@dataclass(frozen=True, slots=True)
class Path:
    """A transaction as a forest: exactly one call per invocation, in the same order, placeholders last."""

    invocations: tuple[Invocation, ...] = ()
    calls: tuple[Call, ...] = ()
    critical_path: tuple[PathSection, ...] = ()
    """Root by root, the one that lasted longest first: in order of time, disjoint, summing to the root's duration."""
    services: tuple[ServiceTime, ...] = ()
    """By service, the one that took most of the critical paths first."""
    links: tuple[PathLink, ...] = ()
    clocks: Mapping[str, HostClock] = field(default_factory=dict)
    """Of every host that is named."""
