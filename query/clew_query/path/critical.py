"""The critical path: at each moment of a root, who was being waited for.

From the end backwards: an invocation waited for the callee that ended last before the moment looked at; before that
callee began, for the one that ended last before then; in between it worked itself. As Jaeger defines it (jaeger-ui,
TraceTimelineViewer criticalPath), but iterative (a path may be thousands of calls deep) and with `<=` where Jaeger has
`<`, which loses one of two calls that follow each other at once.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["critical_path"]

Interval = tuple[int, int]


def critical_path(
    intervals: Sequence[Interval], parents: Sequence[int | None], blocking: Sequence[bool]
) -> list[tuple[int, int, int]]:
    """Return `(node, start, end)` in order of time: disjoint, none empty, summing to the duration of the longest root.

    `blocking[n]` says whether n's parent waited for n; an asynchronous callee is never on the path. n log n.
    """
    roots = [node for node, parent in enumerate(parents) if parent is None]
    if not roots:
        return []
    callees: list[list[int]] = [[] for _ in intervals]
    for node in sorted(range(len(intervals)), key=lambda n: (intervals[n][1], intervals[n][0], n)):
        parent = parents[node]
        if parent is not None and blocking[node]:
            callees[parent].append(node)
    root = max(roots, key=lambda n: (intervals[n][1] - intervals[n][0], -n))
    sections: list[tuple[int, int, int]] = []
    # A frame: the node, the window in which it was waited for, and the moment after which all of that is told.
    frames = [(root, *intervals[root], intervals[root][1])]
    while frames:
        node, start, end, moment = frames.pop()
        waited = _waited_for(callees[node], intervals, (start, end), moment)
        if waited is None:
            _add(sections, node, start, moment)
            continue
        child, child_start, child_end = waited
        _add(sections, node, child_end, moment)
        frames.append((node, start, end, child_start))
        frames.append((child, child_start, child_end, child_end))
    sections.reverse()
    return sections


def _waited_for(
    callees: list[int], intervals: Sequence[Interval], window: Interval, moment: int
) -> tuple[int, int, int] | None:
    """Take from the callees, sorted by end, the last one that ended by the moment, and say when within the window.

    Those that ended later overlap the one chosen before: nobody waited for them. They are taken away, too.
    """
    while callees:
        child = callees.pop()
        start, end = max(intervals[child][0], window[0]), min(intervals[child][1], window[1])
        if start < end <= moment:
            return child, start, end
    return None


def _add(sections: list[tuple[int, int, int]], node: int, start: int, end: int) -> None:
    if start < end:
        sections.append((node, start, end))
