"""A short soak: few descriptors and files that go soon, so that inodes are used again all the time."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.tailing.soak import Plan, soak
from tests.scenarios.tailing.verdict import Tier


def test_nothing_is_lost_or_doubled_while_inodes_are_used_again(tmp_path: Path) -> None:
    plan = Plan(
        seconds=20,
        files=10,
        rotate_every_s=0.5,
        keep_s=6,
        quiet_s=(2, 4),
        outage_s=(0.2, 1),
        open_files_max=16,
        patience_s=60,
    )
    outcome = soak(tmp_path, plan, seed=1)
    assert outcome.lines > 1_000
    assert len(outcome.lives) > 1
    assert outcome.verdict.holds(Tier.DOUBLE), f"{outcome.verdict}: {outcome.verdict.example}"
