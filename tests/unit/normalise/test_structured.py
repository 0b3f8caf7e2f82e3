"""What JSON and logfmt lines become."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.unit.normalise.lines import chunk_of, ns

from clew_collector.event import Event
from clew_collector.normalise import Normaliser
from clew_collector.normalise.limits import Limits

Read = Callable[..., Event]
AT = "2024-01-02 12:00:00.123"
SPAN = "b959018f709a6ffe"
PARENT = "3425f23bb2432450"


class Case(NamedTuple):
    line: str
    time: str | None
    severity: int
    word: str
    body: str
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never changed


CASES = {
    "structlog": Case(
        '{"event": "placed", "level": "warning", "timestamp": "2024-01-02T12:00:00.123Z", "order": 7}',
        AT, 13, "warning", "placed", {"order": 7},
    ),
    "logstash": Case(
        '{"@timestamp":"2024-01-02T13:00:00.123+01:00","message":"placed","logger_name":"c.e.Orders","thread_name":"main",'
        '"level":"ERROR","level_value":40000}',
        AT, 17, "ERROR", "placed", {"logger": "c.e.Orders", "thread": "main", "level_value": 40000},
    ),
    "ECS, dotted and nested": Case(
        '{"@timestamp":"2024-01-02T12:00:00.123Z","log.level":"INFO","message":"m","process":{"thread":{"name":"main"}},'
        '"log":{"logger":"c.e.A"}}',
        AT, 9, "INFO", "m", {"thread": "main", "logger": "c.e.A"},
    ),
    "pino": Case(
        '{"level":50,"time":1704196800123,"pid":7,"hostname":"h","msg":"placed"}',
        AT, 17, "50", "placed", {"pid": 7, "hostname": "h"},
    ),
    "zap": Case(
        '{"level":"info","ts":1704196800.123,"caller":"main.go:7","msg":"placed"}',
        AT, 9, "info", "placed", {"caller": "main.go:7"},
    ),
    "microseconds": Case('{"ts":1704196800123000,"msg":"m"}', AT, 0, "", "m"),
    "nanoseconds, as text": Case('{"timestamp":"1704196800123000000","msg":"m"}', AT, 0, "", "m"),
    "python's logging": Case(
        '{"asctime": "2024-01-02 12:00:00,123", "name": "app", "levelname": "CRITICAL", "levelno": 50, "message": "m"}',
        AT, 21, "CRITICAL", "m", {"name": "app", "levelno": 50},
    ),
    "serilog": Case(
        '{"@t":"2024-01-02T12:00:00.1230000Z","@m":"Order 7","@mt":"Order {Id}","@l":"Warning","Id":7}',
        AT, 13, "Warning", "Order 7", {"@mt": "Order {Id}", "Id": 7},
    ),
    "GELF": Case(
        '{"version":"1.1","host":"h","short_message":"m","timestamp":1704196800.123,"level":4}',
        AT, 13, "4", "m", {"version": "1.1", "host": "h"},
    ),
    "journald": Case(
        '{"__REALTIME_TIMESTAMP":"1704196800123000","PRIORITY":"3","MESSAGE":"m"}', AT, 17, "3", "m"
    ),
    "OpenTelemetry": Case(
        '{"timestamp":"2024-01-02T12:00:00.123Z","severity_number":10,"severity_text":"Info2","body":"m"}',
        AT, 10, "Info2", "m",
    ),
    "MongoDB": Case(
        '{"t":{"$date":"2024-01-02T12:00:00.123+00:00"},"c":"NETWORK","msg":"Connection accepted"}',
        AT, 0, "", "Connection accepted", {"c": "NETWORK"},
    ),
    "nginx as JSON": Case(
        '{"time_local":"02/Jan/2024:12:00:00 +0000","status":500}',
        "2024-01-02 12:00:00", 0, "", '{"time_local":"02/Jan/2024:12:00:00 +0000","status":500}', {"status": 500},
    ),
    "a duration is no time": Case('{"msg":"done","time":0.35}', None, 0, "", "done", {"time": 0.35}),
    "a level that is none": Case('{"msg":"m","level":"seven"}', None, 0, "", "m", {"level": "seven"}),
    "an impossible time stays": Case(
        '{"msg":"m","time":"2024-02-30T00:00:00Z"}', None, 0, "", "m", {"time": "2024-02-30T00:00:00Z"}
    ),
    "a message that is an object": Case(
        '{"message":{"a":1,"b":[1]},"level":"info"}', None, 9, "info", '{"a":1,"b":[1]}',
        {"message.a": 1, "message.b": "[1]"},
    ),
    "a message that is a number": Case('{"msg":3}', None, 0, "", "3", {"msg": 3}),
    "an empty message, then an event": Case('{"msg":"","event":"e"}', None, 0, "", "e", {"msg": ""}),
    "no message": Case('{"a":1}', None, 0, "", '{"a":1}', {"a": 1}),
    "values of every kind": Case(
        '{"msg":"m","s":"x","i":-3,"f":1.5,"t":true,"n":null,"l":[1,{"a":"ä"}],"o":{"p":{"q":1}},"e":{}}',
        None, 0, "", "m",
        {"s": "x", "i": -3, "f": 1.5, "t": True, "n": None, "l": '[1,{"a":"ä"}]', "o.p.q": 1, "e": "{}"},
    ),
    "integers beyond 64 bits": Case(
        '{"msg":"m","a":9223372036854775807,"b":9223372036854775808,"c":123456789012345678901234567890}',
        None, 0, "", "m",
        {"a": 9223372036854775807, "b": "9223372036854775808", "c": "123456789012345678901234567890"},
    ),
    "what JSON has no numbers for": Case(
        '{"msg":"m","a":NaN,"b":-Infinity,"c":1e999,"d":1.0}',
        None, 0, "", "m", {"a": "NaN", "b": "-Infinity", "c": "1e999", "d": 1.0},
    ),
    "a lone surrogate": Case('{"msg":"a\\ud800b"}', None, 0, "", "a?b"),
    "a raw tab in a string": Case('{"msg":"a\tb"}', None, 0, "", "a\tb"),
    "a key twice": Case('{"msg":"m","a":1,"a":2}', None, 0, "", "m", {"a": 2}),
    "an empty key": Case('{"msg":"m","":1}', None, 0, "", "m", {"clew.attributes_dropped": 1}),
    "a nested key that is there": Case(
        '{"msg":"m","a.b":1,"a":{"b":2}}', None, 0, "", "m", {"a.b": 1, "clew.attributes_dropped": 1}
    ),
    "a line of a pod with its metadata": Case(
        '{"log":"2024-01-02 12:00:00.123 ERROR no order\\n","stream":"stderr","kubernetes":{"pod":"p"}}',
        AT, 17, "ERROR", "no order", {"stream": "stderr", "kubernetes.pod": "p"},
    ),
    "logfmt": Case(
        'time=2024-01-02T12:00:00.123Z level=warn msg="order \\"7\\" late" n=500 took=1.5 ok=false v=1.10 id=007 e=',
        AT, 13, "warn", 'order "7" late', {"n": 500, "took": 1.5, "ok": False, "v": "1.10", "id": "007", "e": ""},
    ),
    "logfmt with flags": Case(
        "level=info msg=ready debug path=/a", None, 9, "info", "ready", {"path": "/a"}
    ),
    "logfmt behind a clock": Case(
        '2024-01-02T12:00:00.123Z level=info msg="ready now" n=1', AT, 9, "info", "ready now", {"n": 1}
    ),
    "pairs only": Case("uid=0 euid=0 tty=x", None, 0, "", "uid=0 euid=0 tty=x", {"uid": 0, "euid": 0, "tty": "x"}),
    "a sentence with an equals sign": Case("x=1 holds for all y=2 here", None, 0, "", "x=1 holds for all y=2 here"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_line_is_read_as(case: Case, read: Read) -> None:
    event = read(case.line)
    assert event.timestamp == (ns(case.time) if case.time else None)
    assert (event.severity_number, event.severity_text) == (case.severity, case.word)
    assert event.body == case.body
    assert event.attributes == case.attributes


SPANS = {
    "snake": (f'{{"msg":"m","span_id":"{SPAN}","parent_span_id":"{PARENT}"}}', SPAN, PARENT),
    "camel": (f'{{"msg":"m","spanId":"{SPAN}","parentSpanId":"{PARENT}"}}', SPAN, PARENT),
    "pascal": (f'{{"msg":"m","SpanID":"{SPAN}","ParentSpanID":"{PARENT}"}}', SPAN, PARENT),
    "ECS": (f'{{"msg":"m","span":{{"id":"{SPAN}"}}}}', SPAN, ""),
    "in a context map": (f'{{"msg":"m","mdc":{{"spanId":"{SPAN}"}}}}', SPAN, ""),
    "upper case": (f'{{"msg":"m","span_id":"{SPAN.upper()}"}}', SPAN, ""),
    "Google": (f'{{"msg":"m","logging.googleapis.com/spanId":"{SPAN}"}}', SPAN, ""),
    "Datadog": (f'{{"msg":"m","dd":{{"span_id":"{int(SPAN, 16)}"}}}}', SPAN, ""),
    "in the message": (f'{{"msg":"TraceID: {"a" * 32} SpanID: {SPAN} placed"}}', SPAN, ""),
    "logfmt": (f"level=info msg=m span_id={SPAN}", SPAN, ""),
    "text": (f"2024-01-02 12:00:00 INFO placed spanId={SPAN}, parentSpanId={PARENT}", SPAN, PARENT),
    "B3": (f"INFO headers X-B3-SpanId: {SPAN} X-B3-ParentSpanId: {PARENT}", SPAN, PARENT),
    "Brave": (f"2024-01-02 12:00:00 INFO [orders,{'a' * 32},{SPAN},true] placed", SPAN, ""),
    "RFC 5424": (f'<13>1 - h a - - [opentelemetry trace_id="{"a" * 32}" span_id="{SPAN}"] m', SPAN, ""),
    "a traceparent names the caller's span": (f'{{"msg":"m","traceparent":"00-{"a" * 32}-{PARENT}-01"}}', "", PARENT),
    "beside the line's own span": (
        f'{{"msg":"m","span_id":"{SPAN}","traceparent":"00-{"a" * 32}-{PARENT}-01"}}', SPAN, PARENT,
    ),
    "what a caller sends is its own span": (
        f'{{"msg":"m","span_id":"{SPAN}","traceparent":"00-{"a" * 32}-{SPAN}-01"}}', SPAN, "",
    ),
    "a traceparent in text": (f"INFO got traceparent: 00-{'a' * 32}-{PARENT}-01", "", PARENT),
    "zeros": (f'{{"msg":"m","span_id":"{"0" * 16}"}}', "", ""),
    "not 16 digits": ('{"msg":"m","span_id":"12"}', "", ""),
    "a parent id of anything": (f'{{"msg":"m","parent_id":"{PARENT}"}}', "", ""),
    "a parent id beside a span": (f'{{"msg":"m","span_id":"{SPAN}","parent_id":"{PARENT}"}}', SPAN, PARENT),
    "spam is no span": (f"INFO the spam id {SPAN}", "", ""),
}  # fmt: skip


@pytest.mark.parametrize(("line", "span", "parent"), SPANS.values(), ids=SPANS.keys())
def test_span_ids(line: str, span: str, parent: str, read: Read) -> None:
    event = read(line)
    assert (event.span_id, event.parent_span_id) == (span, parent)


class TestLeadingIds:
    LINE = "2024-01-02 12:00:00 INFO  c.e.Orders#7 TraceID: {trace} SpanID: {span} placed"
    TRACE = "76f063c743a59130cf91efba9bb1067e"

    def test_they_leave_the_body_when_the_event_carries_both(self, read: Read) -> None:
        event = read(self.LINE.format(trace=self.TRACE, span=SPAN), trace=self.TRACE)
        assert (event.body, event.span_id, event.transaction_id) == ("placed", SPAN, self.TRACE)

    def test_they_stay_when_the_transaction_has_another_id(self, read: Read) -> None:
        event = read(self.LINE.format(trace=self.TRACE, span=SPAN), trace="a" * 32)
        assert event.body == f"TraceID: {self.TRACE} SpanID: {SPAN} placed"
        assert event.span_id == SPAN

    @pytest.mark.parametrize("line", ["TraceID: {trace} placed", '{{"msg":"trace_id={trace} placed"}}'])
    def test_a_trace_id_alone_leaves_the_body_as_well(self, line: str, read: Read) -> None:
        event = read(line.format(trace=self.TRACE), trace=self.TRACE)
        assert (event.body, event.span_id, event.transaction_id) == ("placed", "", self.TRACE)

    @pytest.mark.parametrize("body", ["TraceID: {other} placed", "TraceID: {trace}", "TraceID: {trace}-1 placed"])
    def test_another_one_stays_and_one_with_no_message_behind_it(self, body: str, read: Read) -> None:
        body = body.format(trace=self.TRACE, other="a" * 32)
        assert read(json.dumps({"msg": body}), trace=self.TRACE).body == body


class TestLimits:
    def read(self, fields: dict[str, Any], limits: Limits) -> Event:
        line = json.dumps({"msg": "m", **fields}).encode()
        (event,) = Normaliser(limits).events(chunk_of([line]))
        assert event.original == line
        return event

    def test_keys_over_the_limit_are_counted(self) -> None:
        event = self.read({f"k{i}": i for i in range(20)}, Limits(attributes_max=5))
        assert len(event.attributes) == 5
        assert event.attributes["clew.attributes_dropped"] == 16

    def test_a_long_value_is_left_out_and_counted(self) -> None:
        event = self.read({"a": "x" * 11, "b": "y" * 10}, Limits(attribute_value_characters_max=10))
        assert event.attributes == {"b": "y" * 10, "clew.attributes_dropped": 1}

    def test_values_together_are_limited(self) -> None:
        event = self.read({"a": "x" * 6, "b": "y" * 6}, Limits(attributes_characters_max=10))
        assert event.attributes == {"a": "x" * 6, "clew.attributes_dropped": 1}

    def test_a_long_key_is_left_out_and_counted(self) -> None:
        event = self.read({"a" * 11: 1, "b": 2}, Limits(attribute_key_characters_max=10))
        assert event.attributes == {"b": 2, "clew.attributes_dropped": 1}

    def test_what_is_nested_deeper_becomes_json(self) -> None:
        event = self.read({"a": {"b": {"c": {"d": 1}}}}, Limits(attribute_depth_max=3))
        assert event.attributes == {"a.b.c": '{"d":1}'}

    def test_a_long_message_is_the_body_all_the_same(self) -> None:
        (event,) = Normaliser().events(chunk_of([b'{"msg":"' + b"x" * 1_000_000 + b'","a":1}']))
        assert event.body == "x" * 1_000_000
        assert event.attributes == {"a": 1}

    @pytest.mark.parametrize("depth", [257, 1_000, 10_000])
    @pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
    def test_nesting_without_end_is_text(self, depth: int, opening: str, closing: str, read: Read) -> None:
        line = '{"a":' + opening * depth + "1" + closing * depth + "}"
        event = read(line)
        assert (event.body, event.attributes) == (line, {})

    def test_many_objects_side_by_side_are_not_deep(self, read: Read) -> None:
        event = read(json.dumps({"msg": "m", "list": [{"a": "[{"}] * 300}))
        assert event.body == "m"
        assert event.attributes["list"] == json.dumps([{"a": "[{"}] * 300, separators=(",", ":"))
