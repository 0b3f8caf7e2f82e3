"""From the lines of a transaction to its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from clew_collector.event import Event

from .adjusted import adjust
from .clock import Prior
from .facts import with_ends
from .forest import Forest, grow
from .inference import Inference, Inferred
from .interval import IntervalInference
from .model import Call, Invocation, Path, PathLink
from .placeholders import add_placeholders
from .timing import timed

__all__ = ["build_path"]

UNWAITED = "it took longer than its caller waited, whatever the clocks say: it cannot have been waited for"
WENT_ON_AFTER = "its caller wrote nothing after it, but whoever called that went on only then: taken for waited for"
CONTRADICTING = (
    "it begins before it was called, whatever the clocks say: a clock was set meanwhile, or the span is wrong"
)


def build_path(
    events: Sequence[Event], inference: Inference | None = None, *, clocks: Mapping[str, Prior] | None = None
) -> Path:
    """Return the path of these lines, in whatever order they come; spans decide where there are any, else `inference`.

    Every event is in exactly one invocation, every invocation has exactly one call, and calls form a forest. Times of
    invocations are by the reference clock; `clocks` is what is known of hosts' clocks beforehand. Never raises for
    what the lines say. n log n for n lines (with the default inference).
    """
    adjusted = adjust(events, clocks)
    facts = adjusted.facts
    inferred = None
    if not facts.complete:
        ended, of_event = with_ends(facts)
        inferred = _without_ends((inference or IntervalInference()).infer(ended), of_event, len(facts.events))
    forest = grow(facts, inferred)
    lines: list[list[Event]] = [[] for _ in forest.links]
    for event, number in zip(adjusted.originals, forest.invocation, strict=True):
        lines[number].append(event)
    invocations = [_invocation(number, own, adjusted.offset(own[0].host)) for number, own in enumerate(lines)]
    late = {forest.of_group[group]: UNWAITED for group in adjusted.solution.asynchronous}
    late |= {forest.of_group[group]: CONTRADICTING for group in adjusted.solution.contradicting}
    above = _ends_above([link.parent for link in forest.links], [one.end for one in invocations])
    calls = [_call(invocations, forest, child, late.get(child), above[child]) for child in range(len(invocations))]
    links = tuple(
        PathLink(
            invocations[forest.of_group[link.group]].id,
            None if link.to is None else invocations[forest.of_group[link.to]].id,
            link.transaction_id,
            link.span_id,
        )
        for link in facts.links
    )
    add_placeholders(facts, forest, invocations, calls)
    return replace(timed(invocations, calls, links), clocks=adjusted.solution.clocks)


def _without_ends(inferred: Inferred, of_event: Sequence[int], events: int) -> Inferred:
    """Return the invocations of the given events alone; a span's beginning says where it belongs."""
    invocation = [-1] * events
    for number, index in zip(inferred.invocation, of_event, strict=True):
        if invocation[index] == -1:
            invocation[index] = number
    return Inferred(tuple(invocation), inferred.links)


def _invocation(number: int, events: list[Event], offset: int) -> Invocation:
    first = events[0]
    # Most invocations of a transaction that is huge are one span.
    span_ids = [event.span_id for event in events if event.span_id]
    return Invocation(
        id=f"i{number + 1}",
        service=first.service,
        instance=first.instance,
        host=first.host,
        start=first.time - offset,
        end=(first.end if len(events) == 1 else max([event.end for event in events])) - offset,
        span_ids=tuple(span_ids if len(span_ids) == 1 else dict.fromkeys(span_ids)),
        events=tuple(events),
        offset=offset,
    )


def _ends_above(parent: Sequence[int | None], ends: Sequence[int]) -> list[int | None]:
    """Return for each invocation when the last of those above its caller ended, None if there are none. Linear."""
    above: list[int | None] = [None] * len(parent)
    done = [caller is None for caller in parent]
    for start in range(len(parent)):
        way: list[int] = []
        at: int | None = start
        while at is not None and not done[at]:
            done[at] = True
            way.append(at)
            at = parent[at]
        for child in reversed(way):
            caller = parent[child]
            if caller is not None and (further := parent[caller]) is not None:
                end = above[caller]
                above[child] = ends[further] if end is None else max(end, ends[further])
    return above


def _call(invocations: Sequence[Invocation], forest: Forest, child: int, late: str | None, above: int | None) -> Call:
    link, waited = forest.links[child], forest.waited[child]
    callee = invocations[child]
    caller = None if link.parent is None else invocations[link.parent]
    kind: Literal["sync", "async"] = "sync"
    evidence = link.evidence
    if caller and (waited is False or late == UNWAITED):
        kind = "async"
    elif caller and waited is None and callee.start > caller.end:
        if above is not None and callee.end < above:
            evidence = (*evidence, WENT_ON_AFTER)
        else:
            kind = "async"
    return Call(
        parent=caller.id if caller else None,
        child=callee.id,
        from_service=caller.service if caller else None,
        to_service=callee.service,
        kind=kind,
        probability=link.probability,
        evidence=(*evidence, late) if late and caller else evidence,
    )
