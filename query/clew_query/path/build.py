"""From the lines of a transaction to its path."""

from __future__ import annotations

from collections.abc import Sequence

from clew_collector.event import Event

from .critical import critical_path
from .facts import read_facts
from .forest import join
from .inference import Inference, Link
from .interval import IntervalInference
from .model import Call, Invocation, Path, PathSection

__all__ = ["build_path"]


def build_path(events: Sequence[Event], inference: Inference | None = None) -> Path:
    """Return the path of these lines, in whatever order they come; spans decide where there are any, else `inference`.

    Every event is in exactly one invocation, every invocation has exactly one call, and calls form a forest. Never
    raises for what the lines say. n log n for n lines (with the default inference).
    """
    facts = read_facts(events)
    inferred = (inference or IntervalInference()).infer(facts)
    links = join(facts, inferred)
    lines: list[list[Event]] = [[] for _ in links]
    for event, number in zip(facts.events, inferred.invocation, strict=True):
        lines[number].append(event)
    invocations = tuple(_invocation(number, own) for number, own in enumerate(lines))
    calls = tuple(_call(invocations, child, link) for child, link in enumerate(links))
    sections = critical_path(
        [(invocation.start, invocation.end) for invocation in invocations],
        [link.parent for link in links],
        [call.kind == "sync" for call in calls],
    )
    return Path(invocations, calls, tuple(PathSection(invocations[n].id, start, end) for n, start, end in sections))


def _invocation(number: int, events: list[Event]) -> Invocation:
    first = events[0]
    return Invocation(
        id=f"i{number + 1}",
        service=first.service,
        instance=first.instance,
        host=first.host,
        start=first.time,
        end=max(event.time for event in events),
        span_ids=tuple(dict.fromkeys(event.span_id for event in events if event.span_id)),
        events=tuple(events),
    )


def _call(invocations: Sequence[Invocation], child: int, link: Link) -> Call:
    callee = invocations[child]
    caller = None if link.parent is None else invocations[link.parent]
    return Call(
        parent=caller.id if caller else None,
        child=callee.id,
        from_service=caller.service if caller else None,
        to_service=callee.service,
        kind="async" if caller and callee.start > caller.end else "sync",
        probability=link.probability,
        evidence=link.evidence,
    )
