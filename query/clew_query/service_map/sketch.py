"""Quantiles of durations that can be added up: counts in classes whose bounds grow by a fixed factor (DDSketch).

Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019.
A quantile is off by at most RELATIVE_ERROR; 64-bit nanoseconds need 443 classes at most, so a sketch is bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["RELATIVE_ERROR", "Sketch"]

RELATIVE_ERROR = 0.05
_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / math.log(_GAMMA)


@dataclass(slots=True)
class Sketch:
    """Durations in ns, not negative, by class."""

    classes: dict[int, int] = field(default_factory=dict)

    def add(self, value: int, count: int = 1) -> None:
        """Count a duration."""
        number = math.ceil(math.log(value) * _PER_LOG) if value > 0 else -1
        self.classes[number] = self.classes.get(number, 0) + count

    def merge(self, other: Sketch) -> None:
        """Count all that the other one has."""
        for number, count in other.classes.items():
            self.classes[number] = self.classes.get(number, 0) + count

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.classes.values())

    def quantile(self, share: float) -> int | None:
        """Return the duration that this share of all does not exceed, within the relative error; None without any."""
        left = share * (self.count - 1)
        for number in sorted(self.classes):
            left -= self.classes[number]
            if left < 0:
                return 0 if number < 0 else round(2 * _GAMMA**number / (_GAMMA + 1))
        return None
