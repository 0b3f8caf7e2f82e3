"""What a path adds to the map, and how maps add up. Merging is commutative and associative, so any order will do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from clew_query.path import Path

from .sketch import Sketch

__all__ = ["EdgeKey", "EdgeStatistics", "MapStatistics", "NodeStatistics", "count_path"]


class EdgeKey(NamedTuple):
    """Who calls whom, and how. None calls from outside."""

    caller: str | None
    callee: str
    kind: Literal["sync", "async"]


@dataclass(slots=True)
class EdgeStatistics:
    """Calls of one kind between two services."""

    calls: int = 0
    errors: int = 0
    """Calls whose callee wrote an error, or whose span failed."""
    inferred: int = 0
    """Calls that no span proves."""
    doubt: float = 0.0
    """How many of the inferred calls are wrong, by their own probabilities."""
    latency: Sketch = field(default_factory=Sketch)
    """How long callees were at work; of those that wrote one line nothing is known."""

    def merge(self, other: EdgeStatistics) -> None:
        """Count all that the other one has."""
        self.calls += other.calls
        self.errors += other.errors
        self.inferred += other.inferred
        self.doubt += other.doubt
        self.latency.merge(other.latency)


@dataclass(slots=True)
class NodeStatistics:
    """One service."""

    invocations: int = 0
    errors: int = 0
    """Invocations with an error."""
    self_time: int = 0
    heard: bool = False
    """Whether it wrote anything; else it is known from others only."""

    def merge(self, other: NodeStatistics) -> None:
        """Count all that the other one has."""
        self.invocations += other.invocations
        self.errors += other.errors
        self.self_time += other.self_time
        self.heard = self.heard or other.heard


@dataclass(slots=True)
class MapStatistics:
    """The map of some transactions."""

    transactions: int = 0
    lines: int = 0
    """Of the transactions that are in the map."""
    nodes: dict[str, NodeStatistics] = field(default_factory=dict)
    edges: dict[EdgeKey, EdgeStatistics] = field(default_factory=dict)

    def merge(self, other: MapStatistics) -> None:
        """Count all that the other one has."""
        self.transactions += other.transactions
        self.lines += other.lines
        for service, node in other.nodes.items():
            self.nodes.setdefault(service, NodeStatistics()).merge(node)
        for key, edge in other.edges.items():
            self.edges.setdefault(key, EdgeStatistics()).merge(edge)

    @classmethod
    def merged(cls, parts: Iterable[MapStatistics]) -> MapStatistics:
        """Return the map of all."""
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole


def count_path(path: Path, into: MapStatistics) -> None:
    """Add one transaction's path."""
    into.transactions += 1
    for invocation, call in zip(path.invocations, path.calls, strict=True):
        into.lines += len(invocation.events)
        failed = min(invocation.errors, call.count)
        if not invocation.service:
            # A missing parent has no name: its calls are calls from outside.
            continue
        node = into.nodes.setdefault(invocation.service, NodeStatistics())
        node.invocations += call.count
        node.errors += min(failed, 1) if invocation.events else failed
        node.self_time += invocation.self_time
        node.heard = node.heard or bool(invocation.events)
        key = EdgeKey(call.from_service, invocation.service, call.kind)
        edge = into.edges.setdefault(key, EdgeStatistics())
        edge.calls += call.count
        edge.errors += min(failed, 1) if invocation.events else failed
        if call.probability < 1 and call.from_service is not None:
            edge.inferred += call.count
            edge.doubt += 1 - call.probability
        if invocation.end > invocation.start and call.count == 1:
            edge.latency.add(invocation.end - invocation.start)
