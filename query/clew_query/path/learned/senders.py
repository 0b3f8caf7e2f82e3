"""Who started what nobody waits for: the earlier lines that go along with it, in all transactions.

A line goes along with another when one is rarely seen without the other after it, both ways round. Words in common add.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .prior import Prior
from .sequence import Trail

__all__ = ["Senders", "learn_senders"]

SHARPNESS = 3.0
"""Power that the agreement is raised to: the line that goes along best is it, not one of many."""
AGREEMENT_MIN = 1e-4
SPAWN = 0.1
"""For beginning on a stack of its own, where the kind of line may; to be multiplied by how well it is named."""


@dataclass(slots=True)
class Senders:
    """For each kind that may start unasked and each kind of earlier line, how well they go along, 0 to 1."""

    agreement: dict[tuple[int, int], float] = field(default_factory=dict)
    """By `(earlier kind, kind)`."""
    seen: dict[int, float] = field(default_factory=dict)
    """For each kind in how many transactions it was."""

    def likeliest(self, kind: int) -> int | None:
        """Return the kind of earlier line that goes along best, None if none does."""
        found = {other: share for (other, started), share in self.agreement.items() if started == kind}
        return max(found, key=lambda other: (found[other], -other)) if found else None

    def together(self, sender: int, kind: int, prior: Prior) -> float:
        """Return how seldom one is seen without the other, 0 to 1: words count for nothing here."""
        return self.agreement.get((sender, kind), 0.0) * NAMED_SCALE / prior.named(sender, kind)

    def readiness(self, kind: int, prior: Prior) -> float:
        """Return how readily an invocation begins so unasked: more so if it is named where it was sent for."""
        sender = self.likeliest(kind)
        return SPAWN * (1.0 if sender is None else prior.named(sender, kind))

    def weights(self, trail: Trail, at: int) -> list[float]:
        """Return for each line before `at` the probability that it sent for the one there; they sum to 1."""
        kind = trail.kinds[at]
        found = [max(self.agreement.get((k, kind), 0.0), AGREEMENT_MIN) ** SHARPNESS for k in trail.kinds[:at]]
        total = sum(found)
        return [weight / total for weight in found]


def learn_senders(trails: Iterable[tuple[Trail, float]], kinds: Iterable[int], prior: Prior) -> Senders:
    """Return the senders of these kinds."""
    wanted = set(kinds)
    alone: dict[int, float] = {}
    together: dict[tuple[int, int], float] = {}
    for trail, weight in trails:
        first: dict[int, int] = {}
        for place, kind in enumerate(trail.kinds):
            first.setdefault(kind, place)
        for kind in first:
            alone[kind] = alone.get(kind, 0.0) + weight
        for kind in wanted & first.keys():
            for other, place in first.items():
                if place < first[kind]:
                    together[other, kind] = together.get((other, kind), 0.0) + weight
    return Senders(
        {
            (other, kind): count / alone[other] * count / alone[kind] * prior.named(other, kind) / NAMED_SCALE
            for (other, kind), count in together.items()
        },
        {kind: alone[kind] for kind in sorted(wanted & alone.keys())},
    )


NAMED_SCALE = 5.0
