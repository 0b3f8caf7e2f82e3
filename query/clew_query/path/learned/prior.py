"""What is believed before anything is learned: how much a kind of line looks like the start of an invocation.

A line that begins its service's part of transactions starts invocations; one that follows another service's line may.
A caller's line that has rare words in common with the callee's name or first line speaks for a call.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .sequence import Trail
from .templates import Templates

__all__ = ["Prior", "make_prior"]

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LETTERS_MIN = 3
_START_MIN = 0.01
AFTER_OTHERS = 0.2
NAMED_MAX = 5.0


@dataclass(slots=True)
class Prior:
    """Beliefs by kind of line; kinds count from 0, which no line has."""

    service: list[int]
    """For each kind the number of its service; 0 is nobody's."""
    start: list[float]
    """For each kind how much it looks like the start of an invocation, 0 to 1."""
    words: list[dict[str, float]]
    """For each kind its words (and its service's) with weights that sum to 1: rare ones weigh more."""
    _own_total: list[float] = field(default_factory=list)
    _call_total: float = 1.0
    _named: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        totals = [0.0] * (max(self.service, default=0) + 1)
        for kind in range(1, len(self.service)):
            totals[self.service[kind]] += 1.05 - self.start[kind]
        self._own_total = totals
        self._call_total = sum(start + _START_MIN for start in self.start[1:]) or 1.0

    @property
    def kinds(self) -> int:
        """How many kinds there are, the 0th included."""
        return len(self.service)

    def own(self, kind: int) -> float:
        """Return the share of this line among the lines of its service that go on."""
        return (1.05 - self.start[kind]) / (self._own_total[self.service[kind]] or 1.0)

    def call(self, kind: int) -> float:
        """Return the share of calls that begin with this line."""
        return (self.start[kind] + _START_MIN) / self._call_total

    def named(self, caller: int, callee: int) -> float:
        """Return 1 to NAMED_MAX: how much more a call is believed because the words agree."""
        key = (caller, callee)
        known = self._named.get(key)
        if known is None:
            own = self.words[caller]
            shared = sum(weight for word, weight in self.words[callee].items() if word in own)
            known = self._named[key] = 1.0 + (NAMED_MAX - 1) * shared
        return known


def make_prior(templates: Templates, trails: Sequence[tuple[Trail, float]], *, after_others: float) -> Prior:
    """Return the prior for these transactions, each with how often it was seen."""
    kinds = len(templates)
    names = {name: number for number, name in enumerate(dict.fromkeys(templates.services))}
    first, total, after = [0.0] * kinds, [0.0] * kinds, [0.0] * kinds
    in_transactions = [0.0] * kinds
    for trail, weight in trails:
        seen: set[int] = set()
        for kind in set(trail.kinds):
            in_transactions[kind] += weight
        before = -1
        for stream, kind in zip(trail.streams, trail.kinds, strict=True):
            total[kind] += weight
            if stream not in seen:
                seen.add(stream)
                first[kind] += weight
            if before not in {-1, stream}:
                after[kind] += weight
            before = stream
    start = [
        max(min(1.0, first[k] / in_transactions[k]), after_others * after[k] / total[k]) if total[k] else 0.5
        for k in range(kinds)
    ]
    return Prior([names[s] for s in templates.services], start, _words(templates))


def _words(templates: Templates) -> list[dict[str, float]]:
    of_kind: list[set[str]] = []
    in_services: dict[str, set[str]] = {}
    for service, tokens in zip(templates.services, templates.words, strict=True):
        found = {w.lower() for token in (*tokens, service) for w in _WORD.findall(token) if len(w) >= _LETTERS_MIN}
        of_kind.append(found)
        for word in found:
            in_services.setdefault(word, set()).add(service)
    services = max(len(set(templates.services)) - 1, 1)
    weighed: list[dict[str, float]] = []
    for found in of_kind:
        weights = {word: math.log((services + 1) / len(in_services[word])) for word in found}
        total = sum(weights.values()) or 1.0
        weighed.append({word: weight / total for word, weight in weights.items() if weight > 0})
    return weighed
