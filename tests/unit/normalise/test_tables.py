"""The tables of layouts hold together."""

from __future__ import annotations

import re

import pytest

from clew_collector.normalise.clocks import CLOCKS
from clew_collector.normalise.layouts import ATTRIBUTES, NUMBERS, Layout
from clew_collector.normalise.severity import SYSLOG_SEVERITIES, severity_of_value, severity_of_word
from clew_collector.normalise.tails import TAILS
from clew_collector.normalise.whole_lines import WHOLE_LINES

ROWS = [
    *(pytest.param(row, id=f"tail-{row.name}") for row in TAILS),
    *(pytest.param(row, id=f"whole-{row.name}") for row in WHOLE_LINES),
]
MEANINGS = {"message", "level", "priority", "time", "rest", "structured"}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_reads_its_examples(row: Layout) -> None:
    for example in row.examples:
        match = re.fullmatch(row.pattern, example, re.VERBOSE | re.ASCII | re.DOTALL)
        assert match, example
        if "level" in match.groupdict():
            assert row.levels.get(match["level"]) or severity_of_word(match["level"])
        assert example.endswith(row.ends)


@pytest.mark.parametrize("row", ROWS)
def test_every_group_means_something(row: Layout) -> None:
    assert set(re.compile(row.pattern, re.VERBOSE).groupindex) <= MEANINGS | ATTRIBUTES.keys()


@pytest.mark.parametrize("table", [TAILS, WHOLE_LINES], ids=["tails", "whole lines"])
def test_names_are_unique_and_clocks_exist(table: tuple[Layout, ...]) -> None:
    names = [row.name for row in table]
    assert len(names) == len(set(names))
    assert {name for row in table for name in row.after} <= {clock.name for clock in CLOCKS}
    assert set(ATTRIBUTES) >= NUMBERS


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("TRACE", 1), ("debug", 5), ("FINE", 6), ("CONFIG", 7), ("Info", 9), ("INFORMATION", 9), ("notice", 10),
        ("WARN", 13), ("WARNING", 13), ("err", 17), ("ERROR", 17), ("SEVERE", 17), ("crit", 18), ("alert", 19),
        ("CRITICAL", 21), ("FATAL", 21), ("emerg", 21), ("panic", 21), ("", 0), ("hello", 0), ("warning ", 13),
    ],
)  # fmt: skip
def test_words(word: str, number: int) -> None:
    assert severity_of_word(word) == number


@pytest.mark.parametrize(
    ("scale", "value", "number"),
    [
        ("word", 10, 1), ("word", 20, 5), ("word", 30, 9), ("word", 35, 9), ("word", 40, 13), ("word", 50, 17),
        ("word", 60, 21), ("word", 0, 21), ("word", 7, 5), ("word", 8, 0), ("word", 100, 0), ("word", -1, 0),
        ("word", "30", 9), ("word", True, 0), ("word", 3.5, 0), ("word", None, 0), ("python", 30, 13), ("python", 5, 0),
        ("syslog", 3, 17), ("syslog", 8, 0), ("otel", 24, 24), ("otel", 25, 0), ("otel", "INFO", 0),
    ],
)  # fmt: skip
def test_numbers_on_their_scales(scale: str, value: object, number: int) -> None:
    assert severity_of_value(scale, value) == number


def test_syslog_severities_fall() -> None:
    assert list(SYSLOG_SEVERITIES) == sorted(SYSLOG_SEVERITIES, reverse=True)
