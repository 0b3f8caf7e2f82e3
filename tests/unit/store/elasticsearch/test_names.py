"""Where an event belongs, and which indices a question is asked of."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.event import Event
from clew_collector.store.elasticsearch.names import DAY_NS, Names, block_of, day_of, has_day

NAMES = Names("clew")
NOON = 1_795_521_600 * 10**9  # 2026-11-24T12:00Z


def event(timestamp: int | None, observed: int = NOON) -> Event:
    return Event(
        event_id="ab" * 16, timestamp=timestamp, observed_timestamp=observed, service="s", host="h", source="/x",
        offset=0, length=1, transaction_id="t", transaction_origin="line",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (NOON, "2026.11.24"),
        (NOON - NOON % DAY_NS, "2026.11.24"),
        (NOON - NOON % DAY_NS - 1, "2026.11.23"),
        (0, "2000.01.01"),
        (-(2**63), "2000.01.01"),
        (2**63 - 1, "2099.12.31"),
    ],
)
def test_a_day_is_utc_and_never_absurd(time: int, day: str) -> None:
    assert day_of(time) == day


@pytest.mark.parametrize(
    ("timestamp", "dated"), [(NOON, True), (None, False), (0, False), (4_102_444_800 * 10**9, False), (-1, False)]
)
def test_only_a_usable_time_of_its_own_dates_a_line(timestamp: int | None, dated: bool) -> None:
    assert has_day(event(timestamp)) is dated


def test_a_line_is_in_one_block_however_often_it_is_read() -> None:
    file = "ab" * 10
    assert block_of(f"{file}{0:012x}") == block_of(f"{file}{(1 << 20) - 1:012x}") != block_of(f"{file}{1 << 20:012x}")


def test_names_tell_their_day() -> None:
    assert NAMES.day(NAMES.dated("2026.11.24")) == date(2026, 11, 24)
    assert NAMES.day(NAMES.undated("2026.11.24")) == date(2026, 11, 24)
    for name in ("clew-events-x", "clew-events-", "other-2026.11.24", "clew-events-2026.13.01"):
        assert NAMES.day(name) is None
    assert NAMES.is_undated(NAMES.undated("2026.11.24"))
    assert not NAMES.is_undated(NAMES.dated("2026.11.24"))


def test_a_range_is_asked_of_its_days_and_of_undated_lines() -> None:
    asked = NAMES.within(NOON, NOON + DAY_NS)
    assert asked == "clew-events-2026.11.24,clew-events-2026.11.25,clew-events-undated-*"
    assert NAMES.within(NOON, NOON) == "clew-events-undated-*"
    assert NAMES.within(None, NOON) == NAMES.within(NOON, NOON + 40 * DAY_NS) == "clew-events-*"


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 20 * DAY_NS), st.integers(0, 20 * DAY_NS))
def test_the_indices_of_a_range_hold_every_dated_line_in_it(start: int, length: int, step: int) -> None:
    line = event(start + min(step, length))
    if has_day(line):
        asked = NAMES.within(start, start + length + 1)
        assert asked == NAMES.all_events or NAMES.dated(day_of(line.time)) in asked.split(",")
