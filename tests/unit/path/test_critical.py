"""Who was being waited for: by hand where definitions differ, Jaeger's published cases, and what holds for any forest.

Jaeger's nine cases (jaeger-ui, TracePage/CriticalPath/testCases) are told here as times and callers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew_query.path.critical import Critical, Interval, critical_path


class Case(NamedTuple):
    intervals: list[Interval]
    parents: list[int | None]
    sections: list[tuple[int, int, int]]
    asynchronous: frozenset[int] = frozenset()


def find(intervals: Sequence[Interval], parents: Sequence[int | None], asynchronous: frozenset[int] = frozenset()):
    return critical_path(intervals, parents, [node not in asynchronous for node in range(len(parents))])


JAEGER = {
    "1: two callees in a row": Case(
        [(1, 101), (20, 40), (50, 60)],
        [None, 0, 0],
        [(0, 1, 20), (1, 20, 40), (0, 40, 50), (2, 50, 60), (0, 60, 101)],
    ),
    "2: two that overlap: the one that ended last": Case(
        [(1, 101), (10, 50), (20, 60)], [None, 0, 0], [(0, 1, 20), (2, 20, 60), (0, 60, 101)]
    ),
    "3: a callee that begins after its caller ended": Case([(100, 140), (150, 200)], [None, 0], [(0, 100, 140)]),
    "4: and one below it": Case([(1, 31), (40, 80), (50, 60)], [None, 0, 1], [(0, 1, 31)]),
    "5: a consumer of a message, which its producer does not wait for": Case(
        [(1, 31), (10, 20), (12, 14)], [None, 0, 1], [(0, 1, 31)], frozenset({1})
    ),
    "6: a callee that outlives its caller, and one below that began too early": Case(
        [(1, 30), (15, 35), (10, 25)], [None, 0, 1], [(0, 1, 15), (2, 15, 25), (1, 25, 30)]
    ),
    "7: all outlive the root": Case(
        [(1, 30), (15, 35), (20, 40)], [None, 0, 1], [(0, 1, 15), (1, 15, 20), (2, 20, 30)]
    ),
    "8: a callee around its caller": Case([(10, 30), (5, 35)], [None, 0], [(1, 10, 30)]),
    "9: a callee that ended before its caller began": Case([(10, 30), (1, 5)], [None, 0], [(0, 10, 30)]),
}

CASES = {
    "alone": Case([(0, 10)], [None], [(0, 0, 10)]),
    "one call": Case([(0, 10), (2, 8)], [None, 0], [(0, 0, 2), (1, 2, 8), (0, 8, 10)]),
    "back to back, which a strict < loses": Case(
        [(0, 100), (0, 50), (50, 100)], [None, 0, 0], [(1, 0, 50), (2, 50, 100)]
    ),
    "parallel: the one that ended last": Case(
        [(0, 10), (1, 5), (1, 9)], [None, 0, 0], [(0, 0, 1), (2, 1, 9), (0, 9, 10)]
    ),
    "at the epoch, which a test for truth takes for no time": Case([(0, 4), (0, 2)], [None, 0], [(1, 0, 2), (0, 2, 4)]),
    "a callee of one line splits nothing": Case([(0, 10), (4, 4)], [None, 0], [(0, 0, 10)]),
    "no time at all": Case([(5, 5), (5, 5)], [None, 0], []),
    "grandchild clamped by its clamped parent": Case(
        [(0, 10), (4, 20), (5, 30)],
        [None, 0, 1],
        [(0, 0, 4), (1, 4, 5), (2, 5, 10)],
    ),
    "asynchronous below a synchronous one": Case(
        [(0, 10), (2, 8), (3, 7)], [None, 0, 1], [(0, 0, 2), (1, 2, 8), (0, 8, 10)], frozenset({2})
    ),
}


@pytest.mark.parametrize("case", [*JAEGER.values(), *CASES.values()], ids=[*JAEGER, *CASES])
def test_sections(case: Case) -> None:
    assert find(case.intervals, case.parents, case.asynchronous).sections == [case.sections]


def test_every_root_has_a_path_of_its_own() -> None:
    found = find([(0, 3), (1, 9), (2, 4), (0, 1)], [None, None, 1, 0])
    assert found.sections == [[(3, 0, 1), (0, 1, 3)], [(1, 1, 2), (2, 2, 4), (1, 4, 9)]]


def test_nothing_has_no_path() -> None:
    assert find([], []) == Critical([], [], [])


class TestSelfTime:
    def test_is_what_no_callee_that_was_waited_for_covers(self) -> None:
        found = find([(0, 10), (1, 4), (3, 6), (8, 20), (0, 9)], [None, 0, 0, 0, 0], frozenset({4}))
        assert found.self_time == [10 - 5 - 2, 3, 3, 12, 9]

    def test_callees_elsewhere_in_time_cover_nothing(self) -> None:
        assert find([(5, 10), (0, 3), (12, 13)], [None, 0, 0]).self_time == [5, 3, 1]


class TestSlack:
    def test_who_is_waited_for_has_none(self) -> None:
        assert find([(0, 10), (2, 8)], [None, 0]).slack == [0, 0]

    def test_of_parallel_calls_is_up_to_the_end_of_the_last_one(self) -> None:
        assert find([(0, 10), (1, 5), (1, 9)], [None, 0, 0]).slack == [0, 4, 0]

    def test_adds_up_from_callee_to_caller(self) -> None:
        """The second call ends 4 before the third; what it called ends 1 before another call of it."""
        found = find([(0, 20), (1, 9), (1, 13), (2, 7), (2, 8)], [None, 0, 0, 1, 1])
        assert found.slack == [0, 4, 0, 5, 4]

    @pytest.mark.parametrize("interval", [(11, 12), (-3, -1), (-3, 0), (10, 12)])
    def test_who_was_never_waited_for_has_no_bound(self, interval: Interval) -> None:
        assert find([(0, 10), interval], [None, 0]).slack == [0, None]

    def test_asynchronous_callees_and_all_below_have_no_bound(self) -> None:
        assert find([(0, 10), (2, 8), (3, 4)], [None, 0, 1], frozenset({1})).slack == [0, None, None]

    def test_one_line_has_the_slack_of_its_caller(self) -> None:
        assert find([(0, 10), (2, 2), (4, 8), (5, 5)], [None, 0, 0, 0]).slack == [0, 0, 0, 3]


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[Interval], list[int | None], list[bool]]:
    size = draw(st.integers(1, 30))
    times = st.integers(-20, 60)
    intervals = [tuple(sorted((draw(times), draw(times)))) for _ in range(size)]
    parents = [draw(st.one_of(st.none(), st.integers(0, n - 1))) if n else None for n in range(size)]
    blocking = [draw(st.integers(0, 4)) > 0 for _ in range(size)]
    return intervals, parents, blocking  # type: ignore[return-value]


class TestAnyForest:
    @settings(max_examples=400, deadline=None)
    @given(forests())
    def test_sections_are_disjoint_and_sum_to_the_duration_of_each_root(self, forest) -> None:
        intervals, parents, blocking = forest
        found = critical_path(intervals, parents, blocking)
        roots = [node for node, parent in enumerate(parents) if parent is None]
        assert len(found.sections) == len(roots)
        for root, sections in zip(roots, found.sections, strict=True):
            begin, end = intervals[root]
            assert sum(stop - start for _, start, stop in sections) == end - begin
            assert all(stop == following for (_, _, stop), (_, following, _) in pairwise(sections))
            assert not sections or (sections[0][1], sections[-1][2]) == (begin, end)
            for node, start, stop in sections:
                assert intervals[node][0] <= start < stop <= intervals[node][1]

    @settings(max_examples=200, deadline=None)
    @given(forests())
    def test_who_works_while_waited_for_was_waited_for(self, forest) -> None:
        """On the path there is no slack, and every caller up to the root blocked."""
        intervals, parents, blocking = forest
        found = critical_path(intervals, parents, blocking)
        for sections in found.sections:
            for node, _, _ in sections:
                assert found.slack[node] == 0
                assert parents[node] is None or blocking[node]

    @settings(max_examples=300, deadline=None)
    @given(forests())
    def test_self_time_is_never_less_than_what_of_it_is_on_the_path(self, forest) -> None:
        found = critical_path(*forest)
        own = [0] * len(found.self_time)
        for sections in found.sections:
            for node, start, stop in sections:
                own[node] += stop - start
        for node, self_time in enumerate(found.self_time):
            assert 0 <= self_time <= forest[0][node][1] - forest[0][node][0]
            assert own[node] <= forest[0][node][1] - forest[0][node][0]

    @settings(max_examples=300, deadline=None)
    @given(forests())
    def test_taking_away_somebody_who_was_not_waited_for_changes_no_section(self, forest) -> None:
        intervals, parents, blocking = forest
        found = critical_path(intervals, parents, blocking)
        leaves = set(range(len(parents))) - set(parents)
        told = {node for sections in found.sections for node, _, _ in sections}
        spare = [node for node in sorted(leaves - told) if parents[node] is not None]
        for node in spare:
            # It stays where it is, so that the others keep their numbers, but nobody waits for it.
            without = [block and other != node for other, block in enumerate(blocking)]
            assert critical_path(intervals, parents, without).sections == found.sections


def test_a_hundred_thousand_calls_wide_and_ten_thousand_deep() -> None:
    """A chain of 10,000 with 90,000 leaves below its nodes: no recursion, and every section is found."""
    depth, size = 10_000, 100_000
    rng = random.Random(7)
    intervals: list[Interval] = [(n, 2 * size - n) for n in range(depth)]
    parents: list[int | None] = [None, *range(depth - 1)]
    for _ in range(depth, size):
        start = size + rng.randrange(size // 2)
        intervals.append((start, start + 1))
        parents.append(rng.randrange(depth))
    found = find(intervals, parents)
    assert sum(stop - start for _, start, stop in found.sections[0]) == 2 * size
    assert len(found.sections[0]) > depth


def test_fifty_thousand_siblings_back_to_back_are_all_on_the_path() -> None:
    count = 50_000
    intervals = [(0, count), *((n, n + 1) for n in range(count))]
    found = find(intervals, [None, *[0] * count])
    assert [node for node, _, _ in found.sections[0]] == list(range(1, count + 1))
