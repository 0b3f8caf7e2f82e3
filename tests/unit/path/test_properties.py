"""What holds for the path of any lines, however hostile."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.path.lines import line

from clew_collector.event import Event
from clew_query.path import Path, build_path

SPANS = st.sampled_from(["", "", "s1", "s2", "s3", "s4"])
LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", ""]),
        st.sampled_from([0, 0, 1, 2, 3, 5, 8, 13, -(10**9), 10**10]),
        st.sampled_from(["begin", "end", "calls b", "", "\x00\ud800", "x" * 500]),
        SPANS,
        SPANS,
    ),
    max_size=40,
)


def events_of(rows: list[tuple[Any, ...]]) -> list[Event]:
    return [
        line(service, at, body, event_id=f"{n:032x}", span_id=span, parent_span_id=parent)
        for n, (service, at, body, span, parent) in enumerate(rows)
    ]


def parents_of(path: Path) -> dict[str, str | None]:
    return {call.child: call.parent for call in path.calls}


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_every_event_is_in_exactly_one_invocation_and_every_invocation_has_one_call(rows):
    events = events_of(rows)
    path = build_path(events)
    assert sorted(e.event_id for i in path.invocations for e in i.events) == [e.event_id for e in events]
    assert [call.child for call in path.calls] == [invocation.id for invocation in path.invocations]
    assert all(0 < call.probability <= 1 for call in path.calls)
    for invocation in path.invocations:
        assert bool(invocation.events) != bool(invocation.placeholder)
        assert {(e.service, e.host) for e in invocation.events} <= {(invocation.service, invocation.host)}
        assert invocation.start <= invocation.end


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_calls_form_a_forest(rows):
    parents = parents_of(build_path(events_of(rows)))
    for child in parents:
        seen: set[str] = set()
        node: str | None = child
        while node is not None:
            assert node not in seen
            seen.add(node)
            node = parents[node]


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_matter(rows, seed):
    events = events_of(rows)
    shuffled = events.copy()
    random.Random(seed).shuffle(shuffled)
    assert build_path(shuffled) == build_path(events)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_the_critical_path_of_every_root_is_disjoint_and_sums_to_its_duration(rows):
    path = build_path(events_of(rows))
    parents = parents_of(path)
    for root in (i for i in path.invocations if parents[i.id] is None):
        sections = [part for part in path.critical_path if part.root == root.id]
        assert sum(part.end - part.start for part in sections) == root.end - root.start
        for part, following in pairwise(sections):
            assert part.start < part.end <= following.start
    assert sum(part.end - part.start for part in path.critical_path) == sum(s.critical_time for s in path.services)
    assert sum(i.self_time for i in path.invocations) == sum(s.self_time for s in path.services)
