"""From invocations and calls to a path that says what took its time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from .critical import Critical, critical_path
from .model import Call, Invocation, Path, PathLink, PathSection, ServiceTime

__all__ = ["timed"]


def timed(invocations: Sequence[Invocation], calls: Sequence[Call], links: tuple[PathLink, ...] = ()) -> Path:
    """Return the path with critical paths, self times and slack. One call for each invocation, in the same order.

    Nobody knows when each of several calls to a placeholder was, so they block nothing.
    """
    number = {invocation.id: n for n, invocation in enumerate(invocations)}
    parents = [None if call.parent is None else number[call.parent] for call in calls]
    found = critical_path(
        [(invocation.start, invocation.end) for invocation in invocations],
        parents,
        [call.kind == "sync" and call.count == 1 for call in calls],
    )
    measured = tuple(
        replace(invocation, self_time=found.self_time[n], slack=found.slack[n])
        for n, invocation in enumerate(invocations)
    )
    roots = [n for n, parent in enumerate(parents) if parent is None]
    longest_first = sorted(
        zip(roots, found.sections, strict=True),
        key=lambda item: (measured[item[0]].start - measured[item[0]].end, item[0]),
    )
    sections = tuple(
        PathSection(measured[root].id, measured[node].id, start, end)
        for root, own in longest_first
        for node, start, end in own
    )
    return Path(measured, tuple(calls), sections, _service_times(measured, found), links)


def _service_times(invocations: Sequence[Invocation], found: Critical) -> tuple[ServiceTime, ...]:
    critical = [0] * len(invocations)
    for sections in found.sections:
        for node, start, end in sections:
            critical[node] += end - start
    totals: dict[str, list[int]] = {}
    for n, invocation in enumerate(invocations):
        total = totals.setdefault(invocation.service, [0, 0, 0])
        total[0] += 1
        total[1] += invocation.self_time
        total[2] += critical[n]
    times = [ServiceTime(service, *total) for service, total in totals.items()]
    return tuple(sorted(times, key=lambda time: (-time.critical_time, -time.self_time, time.service)))
