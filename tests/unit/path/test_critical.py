"""Who was being waited for: cases by hand, where others' definitions differ."""

from __future__ import annotations

import pytest

from clew_query.path.critical import critical_path

CASES = {
    "alone": ([(0, 10)], [None], [(0, 0, 10)]),
    "one call": ([(0, 10), (2, 8)], [None, 0], [(0, 0, 2), (1, 2, 8), (0, 8, 10)]),
    "back to back, which a strict < loses": ([(0, 100), (0, 50), (50, 100)], [None, 0, 0], [(1, 0, 50), (2, 50, 100)]),
    "parallel: the one that ended last": ([(0, 10), (1, 5), (1, 9)], [None, 0, 0], [(0, 0, 1), (2, 1, 9), (0, 9, 10)]),
    "callee outlives its caller": ([(0, 10), (5, 20)], [None, 0], [(0, 0, 5), (1, 5, 10)]),
    "callee began before its caller": ([(5, 10), (0, 7)], [None, 0], [(1, 5, 7), (0, 7, 10)]),
    "outside of its caller": ([(0, 10), (20, 30)], [None, 0], [(0, 0, 10)]),
    "no time at all": ([(5, 5), (5, 5)], [None, 0], []),
    "two roots: the longer": ([(0, 3), (1, 9)], [None, None], [(1, 1, 9)]),
    "grandchild clamped by its clamped parent": (
        [(0, 10), (4, 20), (5, 30)],
        [None, 0, 1],
        [(0, 0, 4), (1, 4, 5), (2, 5, 10)],
    ),
}


@pytest.mark.parametrize(("intervals", "parents", "sections"), CASES.values(), ids=CASES)
def test_sections(intervals, parents, sections):
    assert critical_path(intervals, parents, [True] * len(parents)) == sections


def test_an_asynchronous_callee_is_never_waited_for():
    assert critical_path([(0, 10), (2, 8)], [None, 0], [True, False]) == [(0, 0, 10)]


def test_nothing_has_no_path():
    assert critical_path([], [], []) == []
