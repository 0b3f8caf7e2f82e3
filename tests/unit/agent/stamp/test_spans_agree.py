"""Where a line names trace and span together, the agent finds the one and the collector the other."""

from __future__ import annotations

import json

import pytest
from tests.unit.agent.stamp.stamping import SPAN, TRACE, stamp

from clew_agent.wire import Chunk, Source, pack_u32
from clew_collector.normalise import Normaliser

LINES = {
    "logfmt": f"level=info trace_id={TRACE} span_id={SPAN} msg=hello",
    "text": f"TraceID: {TRACE} SpanID: {SPAN} order placed",
    "JSON": json.dumps({"trace_id": TRACE, "span_id": SPAN, "message": "x"}),
    "JSON, camel case": json.dumps({"traceId": TRACE, "spanId": SPAN, "message": "x"}),
    "JSON, ECS": json.dumps({"trace.id": TRACE, "span.id": SPAN, "message": "x"}),
    "JSON, .NET": json.dumps({"TraceId": TRACE, "SpanId": SPAN, "message": "x"}),
    "JSON, Grafana": json.dumps({"traceID": TRACE, "spanID": SPAN, "message": "x"}),
    "JSON, Python": json.dumps({"otelTraceID": TRACE, "otelSpanID": SPAN, "message": "x"}),
    "JSON in Docker's": json.dumps(
        {
            "log": json.dumps({"trace_id": TRACE, "span_id": SPAN}) + "\n",
            "stream": "stdout",
            "time": "2026-11-24T12:00:00Z",
        }
    ),
    "Sleuth": f"2026-11-24 12:00:00.000 INFO [orders,{TRACE},{SPAN},true] 1 --- [main] c.e.Orders : x",
    "Spring Boot 3": f"2026-11-24T12:00:00.000Z INFO 1 --- [orders] [{TRACE}-{SPAN}] c.e.Orders : x",
    "Spring Boot with spaces": f"2026-11-24 12:00:00.000 INFO [orders, {TRACE}, {SPAN}] c.e.Orders : x",
    "key in brackets": f"2026-11-24 12:00:00.000 INFO [traceId={TRACE}, spanId={SPAN}] c.e.Orders - x",
    "B3": f"handled X-B3-TraceId: {TRACE} X-B3-SpanId: {SPAN}",
    "Datadog": f"[dd.trace_id={TRACE} dd.span_id={int(SPAN, 16)}] x",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_both_are_found(line: str) -> None:
    assert stamp(line).id == TRACE
    payload = line.encode() + b"\n"
    source = Source(file_id=b"0123456789", path="/var/log/x.log", host="h", service="s")
    chunk = Chunk(source=source, observed_ns=1, start=0, lengths=pack_u32([len(payload)]), payload=payload)
    (event,) = Normaliser().events(chunk)
    assert event.span_id == SPAN


def test_a_traceparent_names_the_callers_span() -> None:
    line = f'level=info traceparent=00-{TRACE}-{SPAN}-01 msg="handling"'
    assert stamp(line).id == TRACE
    payload = line.encode() + b"\n"
    source = Source(file_id=b"0123456789", path="/var/log/x.log", host="h", service="s")
    chunk = Chunk(source=source, observed_ns=1, start=0, lengths=pack_u32([len(payload)]), payload=payload)
    (event,) = Normaliser().events(chunk)
    assert (event.span_id, event.parent_span_id) == ("", SPAN)
