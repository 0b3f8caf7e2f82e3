"""Which days go. Pure: what there is and what today is are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

__all__ = ["Held", "Removal", "expired"]


@dataclass(frozen=True, slots=True)
class Held:
    """An index of events. `day`: for dated lines the day they say; for others that on which the youngest was read."""

    name: str
    day: date
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Removal:
    """An index to remove, and why, in words."""

    name: str
    reason: str


def expired(
    indices: Sequence[Held], *, today: date, age_days_max: int | None, size_bytes_max: int | None
) -> list[Removal]:
    """Return what to remove, the oldest first: by age, and then until the rest is small enough.

    The day that is now, and days that lie ahead (a clock may be wrong), are never removed for the size of all.
    """
    removals: list[Removal] = []
    left = sum(held.size_bytes for held in indices)
    for held in sorted(indices, key=lambda held: (held.day, held.name)):
        age = (today - held.day).days
        if age_days_max is not None and age > age_days_max:
            removals.append(Removal(held.name, f"{age} days old, {age_days_max} are kept"))
        elif size_bytes_max is not None and left > size_bytes_max and age > 0:
            removals.append(Removal(held.name, f"all events take {left} bytes, {size_bytes_max} are kept"))
        else:
            continue
        left -= held.size_bytes
    return removals
