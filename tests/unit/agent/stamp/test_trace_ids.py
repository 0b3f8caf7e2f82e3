"""Which trace ids are found in a line, in whose notation, and what is none."""

from __future__ import annotations

import json

import pytest
from tests.unit.agent.stamp.stamping import GENERATED, OTHER, SPAN, TRACE, Stamp, padded, stamp, stamps

from clew_agent.wire import Origin

DATADOG = 5208512171318403364
UUID = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
XRAY = "1-5759e988-bd862e3fe1be46a994272793"
XRAY_ID = "5759e988bd862e3fe1be46a994272793"

TEXTS = {
    "W3C header": (f"traceparent: 00-{TRACE}-{SPAN}-01", TRACE),
    "W3C in logfmt": (f'level=info traceparent=00-{TRACE}-{SPAN}-00 msg="x"', TRACE),
    "W3C without a key": (f"GET /orders 200 00-{TRACE}-{SPAN}-01 12ms", TRACE),
    "W3C in quotes": (f"'traceparent': '00-{TRACE}-{SPAN}-01'", TRACE),
    "W3C under another key": (f"trace_id=00-{TRACE}-{SPAN}-01", TRACE),
    "logfmt": (f"level=info trace_id={TRACE} span_id={SPAN} msg=hello", TRACE),
    "logfmt, quoted": (f'trace_id="{TRACE}" msg=hello', TRACE),
    "logfmt, camel case": (f"traceId={TRACE}", TRACE),
    "logfmt, one word": (f"traceid={TRACE}", TRACE),
    "logfmt, dotted": (f"trace.id={TRACE}", TRACE),
    "logfmt, dashed": (f"trace-id={TRACE}", TRACE),
    "TraceID and colon": (f"TraceID: {TRACE} SpanID: {SPAN} order placed", TRACE),
    "a key of two words": (f"Trace ID: {TRACE}", TRACE),
    "spaces around the equals sign": (f"trace_id = {TRACE}", TRACE),
    "a hash rocket": (f':trace_id=>"{TRACE}"', TRACE),
    "in brackets": (f"INFO [traceId={TRACE}, spanId={SPAN}] c.e.Orders - placed", TRACE),
    "in brackets behind a colon": (f"trace_id:[{TRACE}]", TRACE),
    "upper case digits": (f"trace_id={TRACE.upper()}", TRACE),
    "upper case key": (f"TRACE_ID={TRACE}", TRACE),
    "OpenTelemetry for Python": (f"[trace_id={TRACE} span_id={SPAN} resource.service.name=x]", TRACE),
    "OpenTelemetry for Python, as JSON": (json.dumps({"otelTraceID": TRACE}), TRACE),
    "OpenTelemetry with an underscore": (f"otel_trace_id={TRACE}", TRACE),
    "syslog structured data": (f'<14>1 - h a - - [opentelemetry trace_id="{TRACE}"] x', TRACE),
    "B3 with many headers": (f"X-B3-TraceId: {TRACE}", TRACE),
    "B3 with 64 bits": (f"X-B3-TraceId: {SPAN}", padded(SPAN)),
    "B3 in CGI's form": (f"HTTP_X_B3_TRACEID={TRACE}", TRACE),
    "B3 single header": (f"b3: {TRACE}-{SPAN}-1", TRACE),
    "B3 single header, 64 bits": (f"b3={SPAN}-{SPAN[::-1]}", padded(SPAN)),
    "Sleuth": (f"INFO [orders,{TRACE},{SPAN},true] 1 --- [main] c.e.Orders : x", TRACE),
    "Sleuth with 64 bits": (f"INFO [orders,{SPAN},{SPAN[::-1]},false] x", padded(SPAN)),
    "Sleuth without a name": (f"[,{TRACE},{SPAN},] x", TRACE),
    "Spring Boot 3": (f"[orders,{TRACE},{SPAN}] x", TRACE),
    "Spring Boot 3 with spaces": (f"[Orders-Api, {TRACE}, {SPAN}] x", TRACE),
    "Spring Boot 3 correlation": (f"INFO 1 --- [orders] [nio-1] [{TRACE}-{SPAN}] c.e.Orders : x", TRACE),
    "Datadog, decimal": (f"[dd.service=orders dd.trace_id={DATADOG} dd.span_id=1] x", f"{DATADOG:032x}"),
    "Datadog, 128 bits": (f"dd.trace_id={TRACE} dd.span_id=1", TRACE),
    "Datadog, underscore": (f"dd_trace_id={DATADOG}", f"{DATADOG:032x}"),
    "Datadog, a JSON number": (f'{{"dd.trace_id":{DATADOG}}}', f"{DATADOG:032x}"),
    "Datadog's header": (f"x-datadog-trace-id: {DATADOG}", f"{DATADOG:032x}"),
    "the greatest 128-bit number": (f"trace_id={(1 << 128) - 1}", "f" * 32),
    "X-Ray header": (f"X-Amzn-Trace-Id: Root={XRAY};Parent={SPAN};Sampled=1", XRAY_ID),
    "X-Ray header behind a load balancer": (
        f"X-Amzn-Trace-Id: Self=1-67891234-12456789abcdef012345678;Root={XRAY}",
        XRAY_ID,
    ),
    "X-Ray header of two whole ids": (f"x-amzn-trace-id: self=1-{'6' * 8}-{'7' * 24};root={XRAY}", XRAY_ID),
    "X-Ray of Lambda": (f"REPORT XRAY TraceId: {XRAY} SegmentId: {SPAN} Sampled: true", XRAY_ID),
    "X-Ray of Lambda's environment": (f"_X_AMZN_TRACE_ID=Root={XRAY};Sampled=0", XRAY_ID),
    "X-Ray root without a key": (f'"GET / HTTP/1.1" 200 "Root={XRAY}" "shop.example"', XRAY_ID),
    "Jaeger": (f"uber-trace-id: {TRACE}:{SPAN}:0:1", TRACE),
    "Jaeger with 64 bits": (f"uber-trace-id={SPAN}:{SPAN}:0:1", padded(SPAN)),
    "Google's header": (f"X-Cloud-Trace-Context: {TRACE}/1234567;o=1", TRACE),
    "Google's field": (f'{{"logging.googleapis.com/trace":"projects/shop-1/traces/{TRACE}"}}', TRACE),
    "a UUID": (f"trace_id={UUID}", TRACE),
    "a JSON object by that name": (f'{{"trace":{{"id":"{TRACE}"}},"message":"x"}}', TRACE),
    "a nested JSON field": (f'{{"context":{{"trace_id":"{TRACE}"}}}}', TRACE),
    "JSON in a JSON string": (json.dumps({"log": json.dumps({"trace_id": TRACE}) + "\n"}), TRACE),
    "JSON in JSON in a JSON string": (json.dumps({"log": json.dumps({"m": json.dumps({"traceId": TRACE})})}), TRACE),
    "behind an escaped tab": (json.dumps({"log": f"x\ttrace_id={TRACE}\n"}), TRACE),
    "behind a colour": (f"\x1b[36mtrace_id\x1b[0m={TRACE}", TRACE),
    "behind an escaped colour": (json.dumps({"log": f"\x1b[36mtrace_id\x1b[0m={TRACE}\n"}), TRACE),
    "at the very beginning and end": (f"trace_id={TRACE}", TRACE),
    "before CR": (f"trace_id={TRACE}\r\n", TRACE),
    "before a full stop": (f"failed, trace_id={TRACE}.", TRACE),
    "the first of two": (f"trace_id={TRACE} linked trace_id={OTHER}", TRACE),
    "the line's own before one that its message tells of": (
        f"[traceId={TRACE}] received traceparent 00-{OTHER}-{SPAN}-01",
        TRACE,
    ),
    "one that holds, behind one that does not": (f"trace_id={'0' * 32} traceparent=00-{TRACE}-{SPAN}-01", TRACE),
    "one that holds, behind one too great": (f"trace_id={1 << 128} trace_id={TRACE}", TRACE),
}


@pytest.mark.parametrize(("line", "transaction"), TEXTS.values(), ids=TEXTS)
def test_a_trace_id_is_found_in_every_notation(line: str, transaction: str) -> None:
    assert stamp(line) == Stamp(transaction, Origin.LINE)


OBJECTS = {
    "OpenTelemetry": ({"msg": "x", "trace_id": TRACE}, TRACE),
    "Micrometer": ({"traceId": TRACE}, TRACE),
    "ECS": ({"trace.id": TRACE}, TRACE),
    "Grafana": ({"traceID": TRACE}, TRACE),
    ".NET": ({"TraceId": TRACE}, TRACE),
    "Python": ({"otelTraceID": TRACE}, TRACE),
    "Datadog": ({"dd.trace_id": str(DATADOG)}, f"{DATADOG:032x}"),
    "upper case digits": ({"trace_id": TRACE.upper()}, TRACE),
    "64 bits": ({"trace_id": SPAN}, padded(SPAN)),
    "a UUID": ({"trace_id": UUID}, TRACE),
    "the line's own, though its message tells of another": (
        {"msg": f"got traceparent 00-{OTHER}-{SPAN}-01", "TraceId": TRACE},
        TRACE,
    ),
    "the line's own, though a link stands before it": ({"links": [{"trace_id": OTHER}], "trace_id": TRACE}, TRACE),
    "the usual name before another": ({"traceId": OTHER, "trace_id": TRACE}, TRACE),
    "another, where the usual name is empty": ({"trace_id": "", "traceId": TRACE}, TRACE),
    "another, where the usual name has no id": ({"trace_id": "none", "traceId": TRACE}, TRACE),
    "as text, where no field has one": ({"trace_id": None, "msg": f"traceparent=00-{TRACE}-{SPAN}-01"}, TRACE),
    "a field that is no text": ({"trace_id": {"high": 1}, "traceId": TRACE}, TRACE),
    "a field that is much too long": ({"trace_id": TRACE * 1000, "traceId": TRACE}, TRACE),
}


@pytest.mark.parametrize(("fields", "transaction"), OBJECTS.values(), ids=OBJECTS)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("around", ["%s", "  %s  ", "%s\r"])
def test_an_objects_own_fields_come_first(
    fields: dict[str, object], transaction: str, separators: tuple[str, str], around: str
) -> None:
    line = around % json.dumps(fields, separators=separators)
    assert stamp(line) == Stamp(transaction, Origin.LINE)


NONE = {
    "no id": "GET /orders 200",
    "an empty line": "",
    "all zeros": f"trace_id={'0' * 32}",
    "all zeros, 64 bits": f"trace_id={'0' * 16}",
    "all zeros in W3C": f"traceparent: 00-{'0' * 32}-{SPAN}-01",
    "W3C with a span of zeros": f"traceparent: 00-{TRACE}-{'0' * 16}-01",
    "W3C cut off": f"traceparent: 00-{TRACE}-{SPAN}",
    "W3C in a longer word": f"x00-{TRACE}-{SPAN}-01",
    "a digit too many": f"trace_id={TRACE}0",
    "a digit too few": f"trace_id={TRACE[:-1]}",
    "a longer word": f"trace_id={TRACE}xyz",
    "a longer name": f"trace_id={TRACE}-suffix",
    "a digit that is none": f"trace_id={TRACE[:-1]}g",
    "32 digits without a key": f"md5 {TRACE}",
    "another key that ends alike": f"parent_trace_id={TRACE}",
    "another key that ends alike, in camel case": f"parentTraceId={TRACE}",
    "another key that ends like a known one": f"max_trace_id={TRACE}",
    "another key that begins alike": f"trace_identity={TRACE}",
    "a stack trace": f"trace: {TRACE}",
    "traces in a row": f"traces id: {TRACE}",
    "a short decimal": "dd.trace_id=123456",
    "a decimal above 128 bits": f"dd.trace_id={1 << 128}",
    "zero": "dd.trace_id=0",
    "a UUID cut off": f"trace_id={UUID[:-1]}",
    "X-Ray cut off": f"Root={XRAY[:-1]}",
    "an object of another's": f'{{"parent":{{"id":"{TRACE}"}}}}',
    "a list of numbers like Sleuth": "[1,1234567890123456,1234567890123456]",
    "a list of words like Sleuth": f'["orders","{TRACE}","{SPAN}"]',
    "Sleuth without ids": "[orders,,,] x",
    "Sleuth with zeros": f"[orders,{'0' * 32},{SPAN}] x",
    "B3's refusal": "b3: 0",
    "a UUID in brackets": f"[{UUID}]",
    "key and value on different lines": f"trace_id=\n{TRACE}",
}


@pytest.mark.parametrize("lines", NONE.values(), ids=NONE)
def test_what_is_no_trace_id_stamps_nothing(lines: str) -> None:
    assert set(stamps(lines.encode() + b"\n")) == {GENERATED}


def test_dockers_own_fields_are_not_the_services() -> None:
    line = json.dumps({"log": "x\n", "stream": "stdout", "trace_id": TRACE}, separators=(",", ":"))
    inner = json.dumps({"log": f"trace_id={OTHER}\n", "trace_id": TRACE}, separators=(",", ":"))
    assert stamp(line).id == TRACE  # nothing else is there
    assert stamp(inner).id == OTHER
