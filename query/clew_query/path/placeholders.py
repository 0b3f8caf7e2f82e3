"""Invocations of which nothing is here: parents that spans name, and services known from the other side of a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from .facts import Facts
from .forest import Forest
from .model import Call, Invocation
from .unheard import Unheard

__all__ = ["add_placeholders"]

Kind = Literal["sync", "async"]

NAMES_IT = "a span of the other side of the call names it"
NAMED_PARENT = "a span names its parent span, and nothing else is known of that"


def add_placeholders(facts: Facts, forest: Forest, invocations: list[Invocation], calls: list[Call]) -> None:
    """Append placeholders with their calls, and let orphans be called by theirs.

    An orphan that is the only root has no placeholder: that its parent is not here says the evidence of its call.
    """
    added = _Added(invocations, calls)
    for unheard in facts.unheard:
        own = forest.of_group[unheard.group]
        if not unheard.caller:
            added.callee(unheard, invocations[own])
        elif calls[own].parent is None:
            added.caller(unheard, own)
    if sum(call.parent is None for call in calls) > 1:
        orphans: dict[str, list[int]] = {}
        for number, span_id in sorted(forest.missing.items()):
            if calls[number].parent is None:
                orphans.setdefault(span_id, []).append(number)
        for span_id, numbers in orphans.items():
            added.parent(span_id, numbers)
    invocations += added.invocations
    calls += added.calls


@dataclass(slots=True)
class _Added:
    heard: list[Invocation]
    heard_calls: list[Call]
    invocations: list[Invocation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def callee(self, unheard: Unheard, caller: Invocation) -> None:
        """Add somebody whom spans of an invocation call."""
        kind: Kind = "sync" if unheard.waited else "async"
        count = unheard.calls
        said = f"{count} spans of {caller.service} name it" if count > 1 else f"a span of {caller.service} names it"
        placeholder = self._add(unheard.peer, unheard.start, unheard.end, f"{said}, and nothing was heard from it")
        self.invocations[-1] = replace(placeholder, failures=unheard.errors)
        self._call(placeholder, caller, kind, f"{said} as whom it calls", count)

    def caller(self, unheard: Unheard, callee: int) -> None:
        """Add somebody who called an invocation."""
        service = self.heard[callee].service
        why = f"a span of {service} names it, and nothing was heard from it"
        placeholder = self._add(unheard.peer, unheard.start, unheard.end, why)
        self._call(placeholder, None, "sync", NAMES_IT)
        self._adopt(placeholder, callee, NAMES_IT, "sync" if unheard.waited else "async")

    def parent(self, span_id: str, callees: list[int]) -> None:
        """Add the parent that several invocations, or one of several roots, name."""
        own = [self.heard[callee] for callee in callees]
        why = f"span {span_id}, which {own[0].service} names as its parent, is not here"
        placeholder = self._add("", min(i.start for i in own), max(i.end for i in own), why, (span_id,))
        self._call(placeholder, None, "sync", NAMED_PARENT)
        for callee in callees:
            self._adopt(placeholder, callee, "its span names that parent span", self.heard_calls[callee].kind)

    def _add(self, service: str, start: int, end: int, why: str, span_ids: tuple[str, ...] = ()) -> Invocation:
        name = f"u{len(self.invocations) + 1}"
        placeholder = Invocation(name, service, "", "", start, end, span_ids, (), placeholder=why)
        self.invocations.append(placeholder)
        return placeholder

    def _call(self, to: Invocation, caller: Invocation | None, kind: Kind, evidence: str, count: int = 1) -> None:
        parent, service = (caller.id, caller.service) if caller else (None, None)
        self.calls.append(Call(parent, to.id, service, to.service, kind, 1.0, (evidence,), count))

    def _adopt(self, caller: Invocation, callee: int, evidence: str, kind: Kind) -> None:
        self.heard_calls[callee] = replace(
            self.heard_calls[callee],
            parent=caller.id,
            from_service=caller.service or None,
            kind=kind,
            probability=1.0,
            evidence=(evidence,),
        )
