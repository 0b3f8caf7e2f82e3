"""Reading with a learned model: whatever the lines are."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.path.learned.systems import CHAIN_EDGES, chain, edges, hub, play, read
from tests.unit.path.lines import line
from tests.unit.path.test_properties import LINES, events_of

from clew_query.path import build_path
from clew_query.path.learned import LearnedInference, Model, learn
from clew_query.path.learned.decode import Decoded, DecodedCall
from clew_query.path.learned.inference import caller_lines
from clew_query.path.learned.sequence import Trail


@cache
def learned() -> Model:
    return learn(chain(20))


@cache
def learned_from_rows() -> Model:
    """A model that knows the services of hostile lines."""
    rows = [("a", 0, "begin", "", ""), ("b", 1, "calls b", "", ""), ("c", 2, "end", "", ""), ("a", 3, "end", "", "")]
    return learn([events_of(rows), events_of(rows[:2]), events_of(rows[1:])] * 3)


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_no_input_raises_and_every_line_is_in_one_invocation(rows):
    events = events_of(rows)
    path = build_path(events, LearnedInference(learned_from_rows()))
    assert sorted(e.event_id for i in path.invocations for e in i.events) == [e.event_id for e in events]
    assert all(0 < call.probability <= 1 for call in path.calls)
    for invocation in path.invocations:
        assert {(e.service, e.host) for e in invocation.events} <= {(invocation.service, invocation.host)}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.data())
def test_a_callers_latest_line_before_a_call_is_found(writers, data):
    numbers = {writer: number for number, writer in enumerate(dict.fromkeys(writers))}
    invocation = tuple(numbers[writer] for writer in writers)
    callers = [data.draw(st.none() | st.sampled_from(range(len(numbers)))) for _ in numbers]
    calls = tuple(
        DecodedCall(None if caller == number else caller, 1.0, invocation.index(number), spawned=False)
        for number, caller in enumerate(callers)
    )
    trail = Trail(streams=invocation, kinds=tuple(range(100, 100 + len(invocation))))
    before = [
        [kind for kind, by in zip(trail.kinds[: call.first], invocation, strict=False) if by == call.parent]
        for call in calls
    ]
    expected = [kinds[-1] if kinds else None for kinds in before]
    assert caller_lines(trail, Decoded(invocation, calls, 0.0)) == expected


@settings(max_examples=25, deadline=None)
@given(LINES)
def test_learning_from_anything_does_not_raise(rows):
    events = events_of(rows)
    model = learn([events, events[:5], events[5:]])
    assert model.lines == 2 * len(events)


def test_what_the_model_has_never_seen_is_left_to_nesting_and_order():
    events = [line("x", 0), line("y", 1), line("y", 2), line("x", 3)]
    assert build_path(events, LearnedInference(learned())) == build_path(events)


def test_too_few_transactions_are_no_model():
    events = chain(3)
    assert build_path(events[0], LearnedInference(learn(events))) == build_path(events[0])


def test_lines_that_a_span_ties_together_stay_together():
    events = chain(1)[0]
    tied = [line("orders", at, "loading order 0", span_id="s", event_id=f"{round(at * 10):032x}") for at in (2.5, 7.5)]
    path = read(learned(), [*events, *tied])
    owners = {i.id for i in path.invocations for e in i.events if e.span_id == "s"}
    assert len(owners) == 1


def test_evidence_says_how_often_such_calls_were_made_and_what_it_was_learned_from():
    path = read(learned(), chain(1)[0])
    call = next(call for call in path.calls if call.to_service == "books")
    assert call.evidence[0].startswith("20 of 20 calls that begin with such a line come from this service")
    assert "learned from 20 transactions" in call.evidence[0]


def test_ten_thousand_lines_are_read():
    script = [*chain(1)[0][:1]]
    assert script
    rows = [("web", "GET order {n}")]
    for _ in range(2_500):
        rows += [("orders", "loading order {n}"), ("books", "looking up the book"), ("books", "found the book"),
                 ("orders", "order {n} is complete")]  # fmt: skip
    path = read(learned(), play([*rows, ("web", "answered 200")], 5, gap_ms=0.01))
    assert len(path.invocations) == 5_001
    assert set(edges(path)) == set(CHAIN_EDGES)


def test_a_thousand_open_invocations_are_read():
    rows = [(service, text) for _ in range(300) for service, text in
            (("web", "GET order {n}"), ("orders", "loading order {n}"), ("books", "looking up the book"))]  # fmt: skip
    path = read(learn(hub(5) + chain(20)), play(rows, 6))
    assert sum(len(invocation.events) for invocation in path.invocations) == 900
