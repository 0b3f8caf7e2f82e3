"""Calls from links: proven parents win, and what would make an invocation its own ancestor is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .facts import UNKNOWN, Facts, cyclic
from .inference import Inferred, Link

__all__ = ["join"]

_PROVEN = 1.0


def join(facts: Facts, inferred: Inferred) -> list[Link]:
    """Return one link for each invocation; together they have no cycle. Linear."""
    links = _with_proof(facts, inferred)
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
    return links


def _with_proof(facts: Facts, inferred: Inferred) -> list[Link]:
    links = list(inferred.links)
    owner = [UNKNOWN] * len(facts.parent)
    for number, group in zip(inferred.invocation, facts.group, strict=True):
        if group != UNKNOWN:
            owner[group] = number
    proven: set[int] = set()
    for group, parent in enumerate(facts.parent):
        number = owner[group]
        if parent is not None and number not in proven and owner[parent] != number:
            links[number] = Link(owner[parent], _PROVEN, ("a span names its parent span",))
            proven.add(number)
    for group, doubt in enumerate(facts.doubt):
        number = owner[group]
        if doubt and number not in proven:
            links[number] = _doubted(links[number], doubt)
    return links


def _doubted(link: Link, doubt: str) -> Link:
    evidence: Sequence[str] = link.evidence
    return link if doubt in evidence else replace(link, evidence=(*evidence, doubt))
