"""Expressions over one event: what the contract suite of the stores does not say."""

from __future__ import annotations

import pytest

from clew_collector.event import Event
from clew_collector.store.expression import Range, Term, Wildcard
from clew_collector.store.matching import as_number, matches, numeric_bounds, wildcard_parts, wildcard_regex


def event(**fields: object) -> Event:
    defaults: dict[str, object] = {
        "event_id": "0" * 32,
        "observed_timestamp": 1,
        "service": "s",
        "host": "h",
        "source": "/f",
        "offset": 0,
        "length": 1,
        "transaction_id": "0" * 32,
        "transaction_origin": "generated",
    }
    return Event(**(defaults | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("", []),
        ("abc", ["abc"]),
        ("*", [None]),
        ("**", [None]),
        ("a*b?c", ["a", None, "b", "", "c"]),
        (r"a\*b", ["a*b"]),
        (r"\\*", ["\\", None]),
        ("a\\", ["a\\"]),
        ("?*?", ["", None, ""]),
        ("a\n*", ["a\n", None]),
    ],
)
def test_a_wildcard_is_taken_apart(pattern: str, parts: list[str | None]) -> None:
    assert wildcard_parts(pattern) == parts


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*b*c", "aXbXc", True),
        ("a*b*c", "abbc", True),
        ("*ab", "aab", True),
        ("*aab", "aaab", True),
        ("a*ab", "aab", True),
        ("a*ab", "ab", False),
        ("?", "", False),
        ("*?", "x", True),
        ("*.log", "xlog", False),
        ("*\n*", "a\nb", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_a_wildcard_matches_the_whole_text(pattern: str, text: str, expected: bool) -> None:
    assert bool(wildcard_regex(pattern).fullmatch(text)) is expected


def test_no_wildcard_takes_time_beyond_the_text_s_length() -> None:
    """A naive translation (`.*a.*a...`) would not end within the time limit of a test."""
    assert not matches(Wildcard("service", "*a" * 60 + "*b"), event(service="a" * 4_000))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 1 ", 1), ("1.5", 1.5), ("1e3", 1000.0), ("", None), ("x", None), ("nan", None), ("0x10", None)],
)
def test_a_number_is_what_its_text_says(text: str, number: float | None) -> None:
    assert as_number(text) == number


def test_bounds_are_numbers_or_there_are_none() -> None:
    assert numeric_bounds(Range("offset", "1", 2.5)) == (1, 2.5)
    assert numeric_bounds(Range("offset")) == (float("-inf"), float("inf"))
    assert numeric_bounds(Range("offset", "one")) is None
    assert numeric_bounds(Range("offset", float("nan"))) is None


def test_nanoseconds_are_compared_as_integers() -> None:
    now = 1_795_478_400_123_456_789
    assert matches(Range("time", now, now), event(timestamp=now))
    assert not matches(Range("time", now + 1), event(timestamp=now))
    assert matches(Term("time", str(now)), event(timestamp=now))
