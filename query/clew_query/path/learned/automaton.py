"""The model of what an invocation does next: a probabilistic pushdown automaton.

An invocation is in a state: the kind of its latest own line, the kind of the first line of the callee it called since
then, and of the one before that. From there it writes a line, calls somebody, or ends. Probabilities back off from the
full state to the latest line, to the service and to a guess made from nothing but how lines begin transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .prior import Prior

__all__ = ["END", "OUTSIDE", "Automaton", "Counts", "State"]

State = tuple[int, int, int]
"""Latest own line's kind, kind of the latest callee since, kind of the callee before it; 0 for none."""

END = -1
"""The event of ending; other events are `kind` for an own line, `kinds + kind` for a call that begins with it."""
OUTSIDE: State = (0, 0, 0)
"""The state of whoever calls roots."""

Level = tuple[int, ...]

Counts = dict[State, dict[int, float]]
"""How often each event was seen (or is expected) in each state."""

END_BASE = 0.3
END_AFTER_CALL_BASE = 0.01
"""What is thought of ending right after a call when nothing was seen: callers do write after they called."""
STRENGTH = (5.0, 2.0, 1.0, 1.0)
"""How many observations what is believed on each level is worth, from the service to the full state."""
LIKELY_SHARE_MIN = 0.03
_SERVICE_LEVEL = 2


@dataclass(slots=True)
class Automaton:
    """Event probabilities by state, from (expected) counts. Reading it never changes what it says."""

    prior: Prior
    counts: Counts = field(default_factory=dict)
    _calls: dict[int, list[int]] = field(default_factory=dict)
    _levels: dict[Level, tuple[dict[int, float], float]] = field(default_factory=dict)
    _memo: dict[tuple[State, int], float] = field(default_factory=dict)

    def learn(self, counts: Mapping[State, Mapping[int, float]]) -> None:
        """Take these counts for the ones before."""
        self.counts = {state: dict(events) for state, events in counts.items()}
        self.settle()

    def settle(self) -> None:
        """Sum the counts for every level; to be called when they were changed."""
        self._memo.clear()
        self._calls.clear()
        sums: dict[Level, dict[int, float]] = {}
        for state, events in self.counts.items():
            for level in _levels(state, self.prior.service[state[0]]):
                total = sums.setdefault(level, {})
                for event, count in events.items():
                    total[event] = total.get(event, 0.0) + count
        self._levels = {level: (events, sum(events.values())) for level, events in sums.items()}

    def probability(self, state: State, event: int) -> float:
        """Return the probability of the event in this state; never 0."""
        key = (state, event)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._probability(state, event)
        return known

    def likely_calls(self, state: State) -> list[int]:
        """Return with which lines what this latest own line calls begins, if that was seen often enough."""
        known = self._calls.get(state[0])
        if known is None:
            events, total = self._levels.get((state[0], 0, 0), ({}, 0.0))
            later, more = self._levels.get((state[0], 1, 0), ({}, 0.0))
            seen: dict[int, float] = {}
            for event, count in (*events.items(), *later.items()):
                if event >= self.prior.kinds:
                    seen[event - self.prior.kinds] = seen.get(event - self.prior.kinds, 0.0) + count
            known = self._calls[state[0]] = [k for k, n in seen.items() if n >= LIKELY_SHARE_MIN * (total + more)]
        return known

    def _probability(self, state: State, event: int) -> float:
        prior = self.prior
        p = self._base(state, event)
        named = prior.named(state[0], event - prior.kinds) if event >= prior.kinds else 1.0
        p *= named
        for level, strength in zip(reversed(_levels(state, prior.service[state[0]])), STRENGTH, strict=True):
            found = self._levels.get(level)
            if found is None:
                continue
            seen = found[0].get(event, 0.0)
            if len(level) == _SERVICE_LEVEL:
                seen *= named
            p = (seen + strength * p) / (found[1] + strength)
        return p

    def _base(self, state: State, event: int) -> float:
        end = END_AFTER_CALL_BASE if state[1] else END_BASE
        if event == END:
            return end
        going_on = (1 - end) / 2
        if event < self.prior.kinds:
            return going_on * self.prior.own(event)
        return going_on * self.prior.call(event - self.prior.kinds)


def _levels(state: State, service: int) -> tuple[Level, ...]:
    """Return the levels from the finest to the coarsest; their lengths tell them apart."""
    a, c, d = state
    called = 1 if c else 0
    return (a, c, d, 0, 0), (a, c, 0, 0), (a, called, 0), (service, called)
