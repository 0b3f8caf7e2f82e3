"""The list of scenarios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.scenarios.tailing.verdict import Tier

if TYPE_CHECKING:
    from tests.scenarios.tailing.stage import Stage

__all__ = ["SCENARIOS", "Scenario", "scenario"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to files, a tailer or its receiver."""

    number: str
    title: str
    tier: Tier
    play: Callable[[Stage], None]
    alone: bool
    """It measures or loads the machine: not beside others."""


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    number: str, title: str, tier: Tier = Tier.EXACT, *, alone: bool = False
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Enter a function in the list."""

    def enter(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        assert number not in SCENARIOS
        SCENARIOS[number] = Scenario(number, title, tier, play, alone)
        return play

    return enter
