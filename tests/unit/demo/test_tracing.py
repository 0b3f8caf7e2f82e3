"""A trace goes through services by headers alone, whatever carries them."""

from opentelemetry.trace import SpanKind

from clew_query.demo.services.tracing import continued, current_ids, outgoing_headers, request_id


def test_the_callee_has_the_callers_trace_and_names_its_span_as_parent() -> None:
    with continued("edge", {"x-request-id": "req-1"}, SpanKind.SERVER):
        caller, headers = current_ids(), outgoing_headers()
    with continued("inner", headers, SpanKind.CONSUMER):
        callee, inner_id = current_ids(), request_id()

    assert "parent_span_id" not in caller
    assert (callee["trace_id"], callee["parent_span_id"]) == (caller["trace_id"], caller["span_id"])
    assert callee["span_id"] != caller["span_id"]
    assert inner_id == "req-1"


def test_where_there_is_no_trace_one_begins() -> None:
    with continued("edge", {}, SpanKind.SERVER):
        ids, given = current_ids(), request_id()

    assert (len(ids["trace_id"]), len(ids["span_id"])) == (32, 16)
    assert given.startswith("req-")


def test_outside_of_a_request_there_are_no_ids() -> None:
    assert (current_ids(), request_id()) == ({}, "")
