"""Calls from links: proven parents win, and what would make an invocation its own ancestor is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from .callers import NO_PARENT, Caller, cyclic
from .facts import UNKNOWN, Facts
from .inference import Inferred, Link

__all__ = ["Forest", "grow"]

_PROVEN = 1.0


@dataclass(frozen=True, slots=True)
class Forest:
    """Invocations count from 0. Links together have no cycle."""

    invocation: Sequence[int]
    """For each event of the facts its invocation."""
    of_group: Sequence[int]
    """For each group of the facts its invocation."""
    links: list[Link]
    """For each invocation one link."""
    waited: list[bool | None]
    """For each invocation whether its caller waited for it, None where spans do not say."""
    missing: dict[int, str]
    """Invocations that are roots only because the span that they name as their parent is not here."""


def grow(facts: Facts, inferred: Inferred | None) -> Forest:
    """Return the forest; `inferred` is None where the facts leave nothing open. Linear."""
    if inferred is None:
        invocation, links = facts.group, [_of_caller(caller, range(len(facts.callers))) for caller in facts.callers]
        of_group: Sequence[int] = range(len(facts.callers))
    else:
        inferred = _split(facts, inferred)
        invocation, links = inferred.invocation, list(inferred.links)
        owner = [UNKNOWN] * len(facts.callers)
        for number, group in zip(invocation, facts.group, strict=True):
            if group != UNKNOWN:
                owner[group] = number
        of_group = owner
        _prove(facts, of_group, links)
        _part_from_the_dead(facts, inferred, of_group, links)
        _unite_orphans(facts, of_group, links)
        _cut_cycles(links)
    waited: list[bool | None] = [None] * len(links)
    missing: dict[int, str] = {}
    for group, caller in enumerate(facts.callers):
        number = of_group[group]
        if links[number].parent is not None:
            waited[number] = caller.waited
        elif caller.missing and links[number].parent is None:
            missing.setdefault(number, caller.missing)
    return Forest(invocation, of_group, links, waited, missing)


def _split(facts: Facts, inferred: Inferred) -> Inferred:
    """Return invocations of which none was called twice for certain, in the order of their first lines."""
    first: dict[int, int] = {}
    apart: set[int] = set()
    for number, group in zip(inferred.invocation, facts.group, strict=True):
        called = group != UNKNOWN and facts.parent[group] is not None
        if called and first.setdefault(number, group) != group:
            apart.add(group)
    if not apart:
        return inferred
    names = [
        (number, group if group in apart else UNKNOWN)
        for number, group in zip(inferred.invocation, facts.group, strict=True)
    ]
    numbers: dict[tuple[int, int], int] = {}
    for name in names:
        numbers.setdefault(name, len(numbers))
    # The line of a split invocation that stays under its old name may come after the others.
    renamed = {number: numbers[number, UNKNOWN] for number, part in numbers if part == UNKNOWN}
    links = []
    for number, part in numbers:
        link = inferred.links[number]
        parent = link.parent if link.parent is None else renamed.get(link.parent)
        links.append(replace(link, parent=parent if part == UNKNOWN else None))
    return Inferred(tuple(numbers[name] for name in names), tuple(links))


def _of_caller(caller: Caller, of_group: Sequence[int]) -> Link:
    if caller.parent is None:
        return Link(None, _PROVEN, (NO_PARENT,))
    return Link(of_group[caller.parent], _PROVEN, (caller.evidence,))


def _prove(facts: Facts, of_group: Sequence[int], links: list[Link]) -> None:
    proven: set[int] = set()
    for group, caller in enumerate(facts.callers):
        number = of_group[group]
        certain = caller.root if caller.parent is None else of_group[caller.parent] != number
        if certain and number not in proven:
            links[number] = _of_caller(caller, of_group)
            proven.add(number)
    for group, caller in enumerate(facts.callers):
        number = of_group[group]
        if caller.doubt and number not in proven and caller.doubt not in links[number].evidence:
            links[number] = replace(links[number], evidence=(*links[number].evidence, caller.doubt))


def _part_from_the_dead(facts: Facts, inferred: Inferred, of_group: Sequence[int], links: list[Link]) -> None:
    """Unlink servers from callers that had ended: whoever called a server waited for it."""
    waiting = [
        (of_group[group], caller) for group, caller in enumerate(facts.callers) if caller.missing and caller.waited
    ]
    if not waiting:
        return
    begin: dict[int, int] = {}
    end: dict[int, int] = {}
    for event, number in zip(facts.events, inferred.invocation, strict=True):
        begin.setdefault(number, event.time)
        end[number] = max(end.get(number, event.end), event.end)
    for number, caller in waiting:
        parent = links[number].parent
        if caller.parent is None and parent is not None and end[parent] < begin[number]:
            links[number] = Link(None, 0.5, ("nobody who was at work then could have waited for it", caller.doubt))


def _unite_orphans(facts: Facts, of_group: Sequence[int], links: list[Link]) -> None:
    """Give invocations that name the same missing span the same caller: the most probable one of any."""
    named: dict[str, list[int]] = {}
    for group, caller in enumerate(facts.callers):
        if caller.missing and caller.parent is None:
            named.setdefault(caller.missing, []).append(of_group[group])
    for numbers in named.values():
        _unite(numbers, links)


def _unite(numbers: Sequence[int], links: list[Link]) -> None:
    # Who was called by a span did not call another one that was called by it.
    known = [number for number in numbers if links[number].parent not in (None, *numbers)]
    best = links[max(known, key=lambda number: (links[number].probability, -number))] if known else None
    for number in numbers:
        link = links[number]
        if number in known:
            continue
        if best is not None and best.parent != number:
            links[number] = replace(best, evidence=(*best.evidence, "another call by that span was placed here"))
        elif link.parent is not None:
            links[number] = Link(None, round(1 - link.probability, 3) or 0.5, link.evidence[-1:])


def _cut_cycles(links: list[Link]) -> None:
    parents = [link.parent for link in links]
    left = set(cyclic(parents))
    for start in sorted(left):
        if start not in left:
            continue
        cycle = [start]
        while (node := parents[cycle[-1]]) != start and node is not None:
            cycle.append(node)
        left.difference_update(cycle)
        weakest = min(cycle, key=lambda n: (links[n].probability, n))
        cut = links[weakest]
        links[weakest] = Link(
            None,
            round(1 - cut.probability, 3) or 0.5,
            (*cut.evidence, "its most probable caller would have been called by itself"),
        )
