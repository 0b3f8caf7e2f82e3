"""The seam of path inference: from what is certain to a guess for all the rest.

`IntervalInference` looks at one transaction only; a model learned from many stands behind the same protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from .facts import Facts

__all__ = ["Inference", "Inferred", "Link"]


class Link(msgspec.Struct, frozen=True):
    """A guess at who called an invocation: None means a root. Evidence is in words for people."""

    parent: int | None
    probability: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inferred:
    """Invocations count from 0 in the order of their first lines."""

    invocation: tuple[int, ...]
    """For each event of the facts its invocation. Events of one group share one; no invocation mixes streams."""
    links: tuple[Link, ...]
    """For each invocation the most probable parent. May contradict proven parents, which then win."""


class Inference(Protocol):
    """Guesses invocations and parents. Pure: the same facts give the same answer, and none raise."""

    def infer(self, facts: Facts) -> Inferred:
        """Return an invocation for every event and a link for every invocation."""
