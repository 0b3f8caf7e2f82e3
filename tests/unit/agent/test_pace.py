"""Scanning takes a small share of a core however many files there are."""

from __future__ import annotations

import pytest

from clew_agent.pace import ScanPace, report_pause_s


@pytest.mark.parametrize(
    ("cpu_s", "names_changed", "pause_s"),
    [
        (0.001, False, 2.0),
        (0.1, False, 10.0),
        (0.001, True, 0.1),
        (0.1, True, 1.0),
        (1.0, True, 2.0),
    ],
)
def test_when_the_next_scan_is_due(cpu_s: float, names_changed: bool, pause_s: float) -> None:
    pace = ScanPace()
    pace.cpu_s = cpu_s
    assert pace.pause_s(2.0, names_changed=names_changed) == pytest.approx(pause_s)


def test_with_many_files_reports_are_rarer_than_asked_for() -> None:
    assert report_pause_s(0.001, 5.0) == pytest.approx(5.0)
    assert report_pause_s(0.1, 5.0) == pytest.approx(10.0)
