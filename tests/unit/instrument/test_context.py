"""Hops: begun at the edge, continued by headers, known on every line, beside other instrumentation."""

from __future__ import annotations

import asyncio
import threading

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from clew_agent.instrument import carry, continued, current_ids, request_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
others_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("somebody else's")


def test_outside_of_a_hop_there_are_no_ids_and_nothing_is_carried() -> None:
    assert (current_ids(), request_id(), carry()) == ({}, "", {})


def test_at_the_edge_a_transaction_begins() -> None:
    with continued("edge", {}):
        ids = current_ids()
    assert (len(ids["trace_id"]), len(ids["span_id"])) == (32, 16)
    assert ids["request_id"].startswith("req-")
    assert "parent_span_id" not in ids


def test_a_transaction_is_continued_and_the_caller_named() -> None:
    with continued("inner", {"traceparent": f"00-{TRACE}-{SPAN}-01"}):
        ids = current_ids()
    assert (ids["trace_id"], ids["parent_span_id"]) == (TRACE, SPAN)
    assert ids["span_id"] != SPAN
    assert "caller_hop" not in ids


@pytest.mark.parametrize("broken", ["", "00-xyz-1-01", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"])
def test_a_broken_traceparent_begins_a_transaction(broken: str) -> None:
    with continued("edge", {"traceparent": broken}):
        assert "parent_span_id" not in current_ids()
        assert len(current_ids()["trace_id"]) == 32


def test_hop_after_hop_each_names_the_one_before() -> None:
    headers: dict[str, str] = {"x-request-id": "order 9"}
    seen = []
    for n in range(4):
        with continued(f"hop {n}", headers, SpanKind.CONSUMER):
            seen.append(current_ids())
            headers = carry()
    assert {ids["trace_id"] for ids in seen} == {seen[0]["trace_id"]}
    assert [ids.get("parent_span_id") for ids in seen] == [None, *(ids["span_id"] for ids in seen[:-1])]
    assert {ids["request_id"] for ids in seen} == {"order 9"}


def test_spans_inside_a_hop_do_not_change_its_lines() -> None:
    with continued("edge", {}):
        outside = current_ids()
        with others_tracer.start_as_current_span("work"):
            assert current_ids() == outside


def test_a_clients_span_between_does_not_hide_the_calling_hop() -> None:
    """Other instrumentation has a span around each request; that span is on no line."""
    with continued("web", {}):
        web = current_ids()
        with others_tracer.start_as_current_span("GET", kind=SpanKind.CLIENT) as client:
            headers = carry()
    with continued("app", headers):
        app = current_ids()
    assert app["parent_span_id"] == f"{client.get_span_context().span_id:016x}"
    assert app["caller_hop"] == web["span_id"]


def test_a_span_that_is_current_already_is_taken_over() -> None:
    """The framework is instrumented: it has read the headers and made its server span."""
    with others_tracer.start_as_current_span("server", kind=SpanKind.SERVER) as server, continued("server", {}):
        ids, headers = current_ids(), carry()
    assert ids["span_id"] == f"{server.get_span_context().span_id:016x}"
    assert ids["span_id"] in headers["traceparent"]


def test_a_hop_within_a_hop_without_headers_is_another_transaction() -> None:
    """A worker that was started while a request was handled is not working for that request."""
    with continued("request", {}):
        outer = current_ids()
        with continued("message", {}):
            inner = current_ids()
        assert current_ids() == outer
    assert inner["trace_id"] != outer["trace_id"]
    assert inner["request_id"] != outer["request_id"]


def test_baggage_of_others_goes_on() -> None:
    with continued("edge", {"baggage": "tenant=blue,clew.hop=nonsense"}):
        assert baggage.get_baggage("tenant") == "blue"
        assert "tenant=blue" in carry()["baggage"]
        assert "caller_hop" not in current_ids()
    assert baggage.get_baggage("tenant") is None


@pytest.mark.parametrize("given", ["", "   ", "x" * 201, "two\nlines"])
def test_a_request_id_that_is_none_is_made_anew(given: str) -> None:
    with continued("edge", {"x-request-id": given}):
        assert request_id().startswith("req-")


def test_tasks_and_threads_of_asyncio_are_in_the_hop_others_begin_with_what_is_carried() -> None:
    async def handle() -> tuple[dict[str, str], ...]:
        with continued("request", {}):
            task = asyncio.create_task(asyncio.sleep(0, current_ids()))
            return current_ids(), await task, await asyncio.to_thread(current_ids), carry()  # type: ignore[return-value]

    request, task, thread, headers = asyncio.run(handle())
    assert request == task == thread
    found: list[dict[str, str]] = []

    def work() -> None:
        found.append(current_ids())
        with continued("background", headers, SpanKind.CONSUMER):
            found.append(current_ids())

    other = threading.Thread(target=work)
    other.start()
    other.join()
    assert found[0] == {}
    assert found[1]["parent_span_id"] == request["span_id"]


def test_a_failure_leaves_nothing_behind() -> None:
    before = context.get_current()
    with pytest.raises(RuntimeError, match="broken"), continued("edge", {}):
        raise RuntimeError("broken")
    assert current_ids() == {}
    assert context.get_current() == before
    assert not trace.get_current_span().get_span_context().is_valid
