"""Which days go: by age, then by size, the oldest first, never the one that is now for its size."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.elasticsearch.retention import Held, expired

TODAY = date(2026, 11, 24)


def held(days_ago: int, size: int = 10, name: str = "") -> Held:
    return Held(name or f"day-{days_ago}", TODAY - timedelta(days=days_ago), size)


def removed(indices: list[Held], age: int | None = None, size: int | None = None) -> list[str]:
    return [one.name for one in expired(indices, today=TODAY, age_days_max=age, size_bytes_max=size)]


def test_without_limits_nothing_goes() -> None:
    assert removed([held(10_000), held(0)]) == []


def test_a_day_goes_when_it_is_older_than_the_age() -> None:
    assert removed([held(0), held(7), held(8), held(9)], age=7) == ["day-9", "day-8"]


def test_the_oldest_go_until_the_rest_is_small_enough() -> None:
    assert removed([held(0, 50), held(1, 30), held(2, 30), held(3, 30)], size=100) == ["day-3", "day-2"]


def test_what_went_for_its_age_counts_no_more_for_size() -> None:
    assert removed([held(0, 50), held(1, 30), held(30, 100)], age=7, size=100) == ["day-30"]


def test_today_and_days_ahead_stay_whatever_their_size() -> None:
    assert removed([held(0, 1000), held(-3, 1000)], size=10) == []


def test_a_removal_says_why() -> None:
    (one,) = expired([held(9)], today=TODAY, age_days_max=7, size_bytes_max=None)
    assert one.reason == "9 days old, 7 are kept"


@given(
    st.lists(st.tuples(st.integers(-3, 40), st.integers(0, 100)), max_size=30), st.integers(1, 30), st.integers(1, 500)
)
def test_what_stays_fits_or_is_of_today(days: list[tuple[int, int]], age: int, size: int) -> None:
    indices = [held(ago, bytes_, name=f"i{number}") for number, (ago, bytes_) in enumerate(days)]
    gone = removed(indices, age=age, size=size)
    stay = [one for one in indices if one.name not in gone]
    assert all((TODAY - one.day).days <= age for one in stay)
    assert sum(one.size_bytes for one in stay) <= size or all(
        (TODAY - one.day).days <= 0 for one in stay if one.size_bytes
    )
    assert len(gone) == len(set(gone))
