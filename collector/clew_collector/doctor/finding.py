"""What the doctor says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "Level", "worst_first"]


class Level(Enum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    """It works, and will not for long or not through a failure."""
    ERROR = "error"
    """Events are not stored, or not found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is the case, and what to do where it is not fine."""

    level: Level
    subject: str
    message: str
    hint: str = ""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return them in order of badness, else as they are."""
    order = [Level.ERROR, Level.WARNING, Level.FINE]
    return sorted(findings, key=lambda finding: order.index(finding.level))
