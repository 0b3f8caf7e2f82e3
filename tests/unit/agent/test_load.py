"""The stage that holds up the others is named."""

from __future__ import annotations

import pytest

from clew_agent.load import Load, saturated


def test_time_is_shared_among_the_stages_and_counted_once() -> None:
    now = [0.0]
    load = Load(clock_s=lambda: now[0])
    now[0] += 1
    with load.stage("receiver"):
        now[0] += 6
        with load.stage("reading"):
            now[0] += 2
    now[0] += 1
    assert load.shares() == {"reading": 0.2, "receiver": 0.6, "idle": 0.2}
    assert load.shares() == {"reading": 0.0, "receiver": 0.0, "idle": 0.0}


@pytest.mark.parametrize(
    ("shares", "stage"),
    [
        ({}, ""),
        ({"reading": 0.1, "receiver": 0.85, "idle": 0.05}, "receiver"),
        ({"reading": 0.9, "receiver": 0.05, "idle": 0.05}, "reading"),
        ({"reading": 0.1, "receiver": 0.0, "idle": 0.9}, ""),
        ({"reading": 0.5, "receiver": 0.5, "idle": 0.0}, ""),
    ],
)
def test_who_takes_most_of_the_time_is_saturated(shares: dict[str, float], stage: str) -> None:
    assert saturated(shares) == stage
