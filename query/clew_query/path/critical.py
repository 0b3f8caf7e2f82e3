"""The critical path: at each moment of a root, who was being waited for; and how late everybody else might have been.

From the end backwards: an invocation waited for the callee that ended last before the moment looked at; before that
callee began, for the one that ended last before then; in between it worked itself. As Jaeger defines it (jaeger-ui,
TracePage/CriticalPath), with what it gets wrong put right: `<=` where it has `<`, which loses one of two calls that
follow each other at once; no recursion (a path may be thousands of calls deep); callees sorted once, not searched anew
for each section (quadratic under a caller of many); every root, not the first one only; asynchronous callees are never
waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Critical", "Interval", "Section", "critical_path"]

Interval = tuple[int, int]

Section = tuple[int, int, int]
"""A node, and from when to when it worked itself while it was waited for."""


@dataclass(frozen=True, slots=True)
class Critical:
    """Times by node, in the unit of the intervals."""

    sections: list[list[Section]]
    """For each root, in order of nodes: in order of time, disjoint, none empty, summing to the root's duration."""
    self_time: list[int]
    """How much of each node's time none of the callees that it waited for was at work."""
    slack: list[int | None]
    """How much later it could have ended before its root would have; None where nobody waited for it."""


def critical_path(intervals: Sequence[Interval], parents: Sequence[int | None], blocking: Sequence[bool]) -> Critical:
    """Return who was waited for. Parents form a forest; `blocking[n]` says whether n's parent waited for n. n log n."""
    walk = _Walk(intervals, _callees(intervals, parents, blocking))
    roots = [node for node, parent in enumerate(parents) if parent is None]
    for root in roots:
        walk.descend(root)
    sections = [walk.sections_of(root) for root in roots]
    self_time = [_self_time(times, intervals, own) for times, own in zip(intervals, walk.callees, strict=True)]
    return Critical(sections, self_time, walk.slack)


def _callees(intervals: Sequence[Interval], parents: Sequence[int | None], blocking: Sequence[bool]) -> list[list[int]]:
    """Return for each node those that it waited for, by end."""
    callees: list[list[int]] = [[] for _ in intervals]
    for _, _, node in sorted([(end, start, node) for node, (start, end) in enumerate(intervals)]):
        parent = parents[node]
        if parent is not None and blocking[node]:
            callees[parent].append(node)
    return callees


@dataclass(slots=True)
class _Walk:
    intervals: Sequence[Interval]
    callees: list[list[int]]
    window: list[Interval] = field(init=False)
    """The part of each node's time that lies within that of all its callers."""
    waited: list[list[int]] = field(init=False)
    """For each node the callees that it waited for one after the other, the last one first."""
    slack: list[int | None] = field(init=False)

    def __post_init__(self) -> None:
        self.window = list(self.intervals)
        self.waited = [[] for _ in self.intervals]
        self.slack = [None] * len(self.intervals)

    def descend(self, root: int) -> None:
        """Look at everybody whom the root waited for, callers before callees."""
        self.slack[root] = 0
        pending = [root]
        while pending:
            node = pending.pop()
            if self.callees[node]:
                pending += self._look_at(node)

    def _look_at(self, node: int) -> list[int]:
        start, end = self.window[node]
        moment, waited_until, slack = end, end, self.slack[node] or 0
        within: list[int] = []
        for child in reversed(self.callees[node]):
            begin, stop = self.intervals[child]
            if begin < start or stop > end:
                if begin > end or stop < start:
                    continue
                clamped = max(begin, start), min(stop, end)
                if begin < stop and clamped[0] == clamped[1]:
                    continue
                self.window[child] = begin, stop = clamped
            within.append(child)
            if stop <= moment:
                self.waited[node].append(child)
                moment, waited_until = begin, stop
                self.slack[child] = slack
            else:
                self.slack[child] = slack + waited_until - stop
        return within

    def sections_of(self, root: int) -> list[Section]:
        """Return the root's critical path in order of time."""
        sections: list[Section] = []
        # A frame: the node, how many of the callees that it waited for are told, and from where on all is told.
        frames = [(root, 0, self.window[root][1])]
        while frames:
            node, told, moment = frames.pop()
            if told == len(self.waited[node]):
                _add(sections, node, self.window[node][0], moment)
                continue
            child = self.waited[node][told]
            start, end = self.window[child]
            _add(sections, node, end, moment)
            frames.append((node, told + 1, start))
            frames.append((child, 0, end))
        sections.reverse()
        return sections


def _add(sections: list[Section], node: int, start: int, end: int) -> None:
    if start == end:
        return
    if sections and sections[-1][:2] == (node, end):
        # What was called between took no time.
        end = sections.pop()[2]
    sections.append((node, start, end))


def _self_time(times: Interval, intervals: Sequence[Interval], callees: Sequence[int]) -> int:
    start, end = times
    own, reached = end - start, start
    for child_start, child_end in sorted([intervals[child] for child in callees]):
        begin = child_start if child_start > reached else reached  # noqa: FURB136 - calls of max took a third of this
        stop = child_end if child_end < end else end  # noqa: FURB136
        if begin < stop:
            own -= stop - begin
            reached = stop
    return own
