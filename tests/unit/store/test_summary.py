"""Summaries are lattice values: order, grouping and repetition of what is merged change nothing."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.expression import ALL, And, Expression, Not, Phrase, Term
from clew_collector.store.gathering import Gathered
from clew_collector.store.summary import SERVICES_MAX, Summary, check_summary_expression, merge, summarise, union

NAME = "aa" * 16


@st.composite
def events(draw: Any) -> Event:
    return Event(
        event_id=f"{draw(st.integers(0, 5)):032x}",
        timestamp=draw(st.one_of(st.none(), st.integers(-5, 5), st.just(2**63 - 1))),
        observed_timestamp=draw(st.integers(-5, 5)),
        severity_number=draw(st.integers(0, 24)),
        service=draw(st.sampled_from(["", "a", "b", "c"])),
        host="h", source="f", offset=0, length=1,
        transaction_id=NAME, transaction_origin="line",
        parent_span_id=draw(st.sampled_from(["", "1"])),
        duration=draw(st.one_of(st.none(), st.integers(0, 5))),
        body=draw(st.sampled_from(["x", "y"])),
    )  # fmt: skip


def of(event: Event) -> Summary:
    told = summarise(event)
    assert told is not None
    return told


@given(st.lists(events(), min_size=1, max_size=6), st.data())
def test_order_grouping_and_repetition_change_nothing(some: list[Event], data: st.DataObject) -> None:
    summaries = [of(event) for event in some]
    expected = reduce(merge, summaries)
    shuffled = data.draw(st.permutations(summaries + summaries))
    cut = data.draw(st.integers(1, len(shuffled) - 1))
    assert merge(reduce(merge, shuffled[cut:]), reduce(merge, shuffled[:cut])) == expected
    assert merge(expected, expected) == expected


@given(st.lists(events(), min_size=1, max_size=6), st.integers(0, 6))
def test_gathering_in_place_says_the_same(some: list[Event], cut: int) -> None:
    parts = [part for part in (some[:cut], some[cut:]) if part]
    gathered = []
    for part in parts:
        one = Gathered(part[0])
        for event in part[1:]:
            one.add(event)
        gathered.append(one)
    for later in gathered[1:]:
        gathered[0].merge(later)
    assert gathered[0].summary(NAME) == reduce(merge, map(of, some))


def test_a_generated_id_is_no_transaction_worth_a_summary() -> None:
    event = Event(
        event_id="ab" * 16, observed_timestamp=1, service="s", host="h", source="f", offset=0, length=1,
        transaction_id="ab" * 16, transaction_origin="generated",
    )  # fmt: skip
    assert summarise(event) is None


def test_services_are_bounded_the_same_way_however_they_come() -> None:
    names = [f"s{i:04}" for i in range(2 * SERVICES_MAX)]
    assert union(names) == union(union(names[::2]), union(names[1::2])) == tuple(names[:SERVICES_MAX])


@pytest.mark.parametrize(
    "expression", [Term(None, "x"), Phrase("name", ("a", "b")), And((ALL, Not(Term("host", "h"))))]
)
def test_what_no_summary_has_is_refused(expression: Expression) -> None:
    with pytest.raises(StoreError, match="cannot be asked"):
        check_summary_expression(expression)
