"""Who called whom, from spans where there are any, else from intervals, neighbours and names."""

from __future__ import annotations

import pytest
from tests.unit.path.lines import line, named, tree

from clew_query.path import Call, Inferred, Link, build_path
from clew_query.path.facts import Facts


def call_of(path, service: str) -> Call:
    return next(call for call in path.calls if call.to_service == service)


def test_no_lines_give_an_empty_path():
    assert build_path([]).invocations == ()


def test_one_line_is_a_root():
    path = build_path([line("gateway", 0)])
    assert [(c.parent, c.from_service, c.to_service, c.kind) for c in path.calls] == [(None, None, "gateway", "sync")]


def test_nested_intervals_are_calls():
    events = [line("gateway", 0, "GET /"), line("orders", 1, "begin"), line("payment", 2, "charge")]
    events += [line("payment", 3, "charged"), line("orders", 4, "end"), line("gateway", 5, "200")]
    assert tree(events) == {"gateway#1": None, "orders#1": "gateway#1", "payment#1": "orders#1"}


def test_two_callees_in_a_row_are_siblings():
    events = [line("gateway", 0, "GET /"), line("users", 1, "found"), line("gateway", 2, "user known")]
    events += [line("orders", 3, "listed"), line("gateway", 4, "200")]
    assert tree(events) == {"gateway#1": None, "users#1": "gateway#1", "orders#1": "gateway#1"}


def test_the_same_first_kind_of_line_means_another_call():
    events = [line("seat", 0, "left tickets")]
    for at in (1, 3):
        events += [line("config", at, f"retrieve {at}"), line("config", at + 1, "found")]
    events.append(line("seat", 9, "calculated"))
    assert tree(events) == {"seat#1": None, "config#1": "seat#1", "config#2": "seat#1"}


def test_a_caller_that_writes_again_has_got_its_answer():
    events = [line("a", 0, "begin"), line("b", 1, "one"), line("a", 2, "between"), line("b", 3, "two"), line("a", 4)]
    assert tree(events) == {"a#1": None, "b#1": "a#1", "b#2": "a#1"}


def test_what_begins_after_its_caller_ended_is_asynchronous():
    path = build_path([line("orders", 0, "ordered"), line("orders", 1, "enqueued mail"), line("mail", 90, "sent")])
    call = call_of(path, "mail")
    assert (call.from_service, call.kind) == ("orders", "async")
    assert call.probability < 1
    assert path.critical_path[-1].end == path.invocations[0].end


def test_inferred_probabilities_grow_with_the_evidence():
    bare = [line("a", 0), line("b", 1), line("c", 2), line("x", 3), line("b", 4, "bye"), line("a", 5, "bye")]
    told = [line("a", 0), line("b", 1, "asking x"), line("x", 3), line("b", 4, "got it"), line("a", 5, "bye")]
    assert call_of(build_path(bare), "x").probability < call_of(build_path(told), "x").probability < 1


def test_a_span_that_names_its_parent_is_certain():
    """The caller's interval ends before the callee's and begins after it: clocks differ, spans do not."""
    events = [line("b", 0, span_id="b1", parent_span_id="a1"), line("a", 5, span_id="a1")]
    path = build_path(events)
    assert named(path) == {"a#1": None, "b#1": "a#1"}
    assert call_of(path, "b").probability == 1.0
    assert call_of(path, "b").evidence == ("a span names its parent span",)


def test_spans_without_parents_still_tell_invocations_apart():
    events = [line("a", 0, span_id="a1")]
    events += [line("b", at, f"work {at}", span_id=span) for at, span in ((1, "b1"), (2, "b2"), (3, "b1"), (4, "b2"))]
    events.append(line("c", 5, span_id="c1"))
    events.append(line("b", 6, "other work", span_id="b3"))
    events.append(line("a", 9, "done", span_id="a1"))
    path = build_path(events)
    assert [i.span_ids for i in path.invocations if i.service == "b"] == [("b1",), ("b2",), ("b3",)]


def test_a_child_span_of_the_same_service_is_the_same_invocation():
    events = [
        line("a", 0, "in", span_id="a1"),
        line("b", 1, "else", span_id="b1", parent_span_id="a1"),
        line("a", 2, "in", span_id="a2", parent_span_id="a1"),
    ]
    assert [i.span_ids for i in build_path(events).invocations] == [("a1", "a2"), ("b1",)]


def test_a_span_nested_in_another_without_a_call_between_is_internal_work():
    spans = [(0, "begin", "a1"), (1, "query", "a2"), (2, "rows", "a2"), (3, "end", "a1")]
    path = build_path([line("a", at, body, span_id=span) for at, body, span in spans])
    assert [i.span_ids for i in path.invocations] == [("a1", "a2")]


def test_two_calls_that_are_certain_are_two_invocations_however_alike_their_lines():
    """Nothing is written between them, and nothing else tells them apart."""
    events = [line("web", 0, "begin", span_id="w")]
    events += [line("stock", n, f"reserving {n}", span_id=f"s{n}", parent_span_id="w") for n in (1, 2, 3)]
    path = build_path([*events, line("web", 9, "end", span_id="w")])
    assert [i.span_ids for i in path.invocations] == [("w",), ("s1",), ("s2",), ("s3",)]
    assert all(call.probability == 1 for call in path.calls[1:])


def test_the_calling_hop_is_the_caller_where_a_clients_span_left_no_line():
    hop = {"attributes": {"caller_hop": "w"}, "parent_span_id": "client"}
    path = build_path([line("web", 5, span_id="w"), line("app", 1, span_id="a", **hop)])
    assert named(path) == {"app#1": "web#1", "web#1": None}
    assert call_of(path, "app").probability == 1


def test_an_orphan_is_placed_by_its_interval_and_says_so():
    events = [line("a", 0, span_id="a1"), line("b", 1, span_id="b1", parent_span_id="client"), line("a", 2, "end")]
    call = call_of(build_path(events), "b")
    assert call.from_service == "a"
    assert call.probability < 1
    assert "the parent span client left no line" in call.evidence


def test_a_parent_span_that_two_wrote_is_doubt_not_proof():
    events = [line("a", 0, span_id="s"), line("b", 1, span_id="s"), line("c", 2, span_id="c1", parent_span_id="s")]
    call = call_of(build_path(events), "c")
    assert call.probability < 1
    assert "the parent span s was written by 2 invocations" in call.evidence


@pytest.mark.parametrize("ring", [("a",), ("a", "b"), ("a", "b", "c", "d")])
def test_spans_in_a_circle_are_cut_open(ring: tuple[str, ...]):
    parents = dict(zip(ring, ring[1:] + ring[:1], strict=True))
    events = [line(s, at, span_id=s, parent_span_id=parents[s]) for at, s in enumerate(ring)]
    path = build_path(events)
    assert sum(call.parent is None for call in path.calls) == 1


def test_a_guess_against_a_proof_is_cut_where_it_is_weakest():
    """The span says a called b; the interval would say that b called a."""
    events = [line("b", 0, "calls a", span_id="b1", parent_span_id="a1"), line("a", 1, span_id="a1")]
    events.append(line("b", 2, "end", span_id="b1"))
    path = build_path(events)
    assert named(path) == {"b#1": "a#1", "a#1": None}
    assert "its most probable caller would have been called by itself" in call_of(path, "a").evidence


def test_a_chain_of_ten_thousand_calls_is_walked():
    depth = 10_000
    events = [line(f"s{n}", n, "in") for n in range(depth)]
    events += [line(f"s{n}", 2 * depth - n, "out") for n in range(depth)]
    path = build_path(events)
    assert len(path.invocations) == depth
    assert [call.parent for call in path.calls[1:]] == [invocation.id for invocation in path.invocations[:-1]]
    assert len(path.critical_path) == 2 * depth - 1


def test_another_inference_may_stand_behind_the_seam():
    class Star:
        def infer(self, facts: Facts) -> Inferred:
            links = [Link(0 if n else None, 0.5, ("star",)) for n in range(len(facts.events))]
            return Inferred(tuple(range(len(facts.events))), tuple(links))

    path = build_path([line("a", 0), line("b", 1), line("b", 2)], Star())
    assert named(path) == {"a#1": None, "b#1": "a#1", "b#2": "a#1"}


@pytest.mark.parametrize(
    ("released_at", "kind"),
    [(6, "sync"), (60, "async")],
    ids=["while the one above waits", "after all had ended"],
)
def test_what_begins_after_its_callers_last_line_was_waited_for_if_the_one_above_went_on_only_then(
    released_at: float, kind: str
):
    """A service may log that something failed, then clean up by a last call, and only then answer."""
    events = [line("gateway", 0, "GET /", span_id="g"), line("orders", 2, "failed", span_id="o", parent_span_id="g")]
    events += [
        line("stock", released_at, "released", span_id="s", parent_span_id="o"),
        line("gateway", 9, "502", span_id="g"),
    ]
    call = call_of(build_path(events), "stock")
    assert (call.from_service, call.kind) == ("orders", kind)
    assert any("went on only then" in reason for reason in call.evidence) is (kind == "sync")
