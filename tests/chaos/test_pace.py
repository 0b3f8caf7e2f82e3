"""How a recovery and a speed are read from what was looked at."""

from __future__ import annotations

import pytest

from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.store.elasticsearch import ElasticsearchSettings

from .pace import Pace, Sample, recovery_s, speed


def samples(*rows: tuple[float, int | None, int | None]) -> list[Sample]:
    return [Sample(*row) for row in rows]


@pytest.mark.parametrize(
    ("seen", "took"),
    [
        ([(0, 0, 5), (10, 0, 5), (13, 0, 6)], 3.0),
        ([(0, 0, 5), (10, 0, None), (12, 0, None), (14, 0, 6)], 4.0),
        ([(0, 0, 5), (11, 0, 5)], None),
        ([(0, 0, 5), (11, 0, None)], None),
        # Who is asked may have forgotten for a moment.
        ([(0, 0, 5), (11, 0, 0), (12, 0, 5), (15, 0, 9)], 5.0),
        # What was committed while the failure lasted is no recovery.
        ([(0, 0, 5), (9, 0, 7), (11, 0, 7)], None),
    ],
)
def test_recovered_is_what_commits_more_than_before(seen: list[tuple[float, int, int | None]], took: float) -> None:
    assert recovery_s(samples(*seen), 10.0) == took


def test_a_speed_is_taken_from_what_was_seen() -> None:
    seen = samples((0, 0, 0), (1, 100, 0), (2, None, 0), (5, 500, 0), (9, 9_000, 0))
    assert speed(seen, 1, 6) == 100.0
    assert speed(seen, 6, 20) == 0.0


def test_recoveries_that_the_next_failure_cut_short_are_no_recoveries(pace: Pace) -> None:
    pace.samples += samples((0, 0, 1), (11, 0, 2), (21, 0, 2), (31, 0, 3), (50, 0, 4))
    for began, ended in ((9, 10), (12, 20), (22, 40), (90, 91)):
        with pace.failing():
            pass
        pace.failures[-1].began, pace.failures[-1].ended = began, ended
    # The second one was cut short, of the last nothing was seen, however long it was looked.
    assert pace.recoveries() == [1.0, 10.0, float("inf")]


@pytest.fixture
def pace() -> Pace:
    """One that looks at nothing."""
    return Pace(KafkaLogSettings(server="kafka://127.0.0.1:1"), ElasticsearchSettings())
