"""When the store is flushed."""

from __future__ import annotations

import pytest

from clew_collector.flush import FlushPolicy

POLICY = FlushPolicy(interval_s=0.3, interval_busy_s=3.0, events_max=100, bytes_max=5000)


class TestDue:
    def test_many_bytes_are_enough_too(self) -> None:
        assert POLICY.due_in_s(events=2, size=5000, since_flush_s=0.1, busy=True) == 0

    @pytest.mark.parametrize(
        ("events", "since", "busy", "due"),
        [
            pytest.param(0, 99.0, False, None, id="nothing to flush"),
            pytest.param(1, float("inf"), False, 0.0, id="the very first"),
            pytest.param(1, 5.0, False, 0.0, id="the first after a pause"),
            pytest.param(1, 0.1, False, 0.2, id="soon after the last flush"),
            pytest.param(1, 0.1, True, 2.9, id="behind"),
            pytest.param(100, 0.1, True, 0.0, id="enough"),
        ],
    )
    def test_depends_on_what_waits(self, events: int, since: float, busy: bool, due: float | None) -> None:
        found = POLICY.due_in_s(events=events, size=10 * events, since_flush_s=since, busy=busy)
        assert found == (None if due is None else pytest.approx(due))
