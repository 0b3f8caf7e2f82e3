from __future__ import annotations

import pytest

from clew_agent.errors import ChunkRefused, TransportError, TransportUnavailable
from clew_agent.transport import RetryPolicy

POLICY = RetryPolicy(initial_s=1.0, max_s=30.0)
BUSY = TransportUnavailable("busy")


@pytest.mark.parametrize(
    ("error", "failures", "luck", "wait_s"),
    [
        (BUSY, 1, 1.0, 1.0),
        (BUSY, 1, 0.0, 0.5),
        (BUSY, 2, 1.0, 2.0),
        (BUSY, 5, 1.0, 16.0),
        (BUSY, 6, 1.0, 30.0),
        (BUSY, 10_000, 1.0, 30.0),
        (BUSY, 10_000, 0.0, 15.0),
        (TransportUnavailable("busy", retry_after_s=5), 1, 1.0, 5.0),
        (TransportUnavailable("busy", retry_after_s=5), 5, 1.0, 16.0),
        (TransportUnavailable("busy", retry_after_s=3600), 1, 1.0, 30.0),
        (TransportUnavailable("busy", retry_after_s=0), 1, 1.0, 1.0),
        (ChunkRefused("never"), 1, 1.0, None),
    ],
)
def test_waits_double_up_to_a_limit_and_respect_the_receiver(
    error: TransportError, failures: int, luck: float, wait_s: float | None
) -> None:
    assert POLICY.decide(error, failures=failures, luck=luck).wait_s == wait_s
