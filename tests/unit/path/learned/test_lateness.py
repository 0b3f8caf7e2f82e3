"""A line that was stamped late is put where its own clock says."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.unit.path.lines import START, line

from clew_query.path.learned.lateness import Correction, corrected_times, learn_lateness

MS = 1_000_000


def stamped(at_ms: float, late_ms: float, zone_h: int = 8, **fields: object):
    """A line written at `at_ms`, stamped `late_ms` after that; it says its own time in another zone."""
    own = datetime.fromtimestamp((START + at_ms * MS) / 1e9 + zone_h * 3600, UTC)
    text = f"{own:%H:%M:%S}.{own.microsecond // 1000:03d} INFO works".encode()
    return line("app", at_ms + late_ms, "works", original=text, **fields)


USUAL = [stamped(10 * n, 1) for n in range(40)]


def test_what_is_beyond_the_usual_delay_is_late():
    correction = Correction(lateness=learn_lateness(USUAL))
    *_, time = corrected_times([*USUAL[:2], stamped(500, 31)], correction)
    assert abs(time - (START + 501 * MS)) <= MS


def test_usual_lines_are_left_alone():
    correction = Correction(lateness=learn_lateness(USUAL))
    assert corrected_times(USUAL, correction) == [event.time for event in USUAL]


def test_lines_without_a_time_of_their_own_are_left_alone():
    correction = Correction(lateness=learn_lateness(USUAL))
    plain = line("app", 900, "works", original=b"works")
    assert corrected_times([plain], correction) == [plain.time]


def test_a_clock_that_was_corrected_before_makes_no_line_late():
    correction = Correction(lateness=learn_lateness(USUAL))
    moved = [stamped(500, 1 + 50), stamped(510, 1 + 50)]
    assert corrected_times(moved, correction) == [event.time for event in moved]


def test_too_few_lines_tell_nothing():
    assert learn_lateness(USUAL[:5]) == {}
