"""OTLP requests as chunks, and the events that the normaliser makes of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.unit.otlp.messages import NOW, PARENT, SHOP, SPAN, TRACE, log_record, logs_request, span, spans_request

from clew_agent.stamp.settings import StampSettings
from clew_agent.stamp.stamper import Stamper
from clew_agent.wire import Chunk, SourceKind, decode_chunk, encode_chunk, map_alias, pack_u32
from clew_collector.event import Event, Link
from clew_collector.log.coverage import take
from clew_collector.normalise import Normaliser
from clew_collector.otlp import Records, chunks_of, take_logs, take_spans

STAMPER = Stamper(StampSettings())


def events_of(request: Any) -> list[Event]:
    records = take_logs(request, STAMPER) if isinstance(request, ExportLogsServiceRequest) else take_spans(request)
    return [event for chunk in chunks_of(records, observed_ns=7) for event in Normaliser().events(chunk)]


def event_of(request: Any) -> Event:
    (event,) = events_of(request)
    return event


class TestALogRecord:
    def test_becomes_an_event_with_all_that_it_says(self) -> None:
        record = log_record(
            severity_number=17,
            severity_text="ERROR",
            trace_id=bytes.fromhex(TRACE),
            span_id=bytes.fromhex(SPAN),
            attributes={"http.status": 502, "user": {"name": "Ann"}, "tags": ["a", 1], "ok": False, "ratio": 0.5},
        )
        event = event_of(logs_request(record))
        assert (event.timestamp, event.observed_timestamp) == (NOW, NOW + 5)
        assert (event.severity_number, event.severity_text) == (17, "ERROR")
        assert (event.service, event.instance, event.host, event.source) == ("shop", "shop-1", "alpha", "")
        assert (event.transaction_id, event.transaction_origin, event.span_id) == (TRACE, "line", SPAN)
        assert event.body == "Payment declined"
        assert event.attributes == {
            "http.status": 502,
            "user.name": "Ann",
            "tags": '["a",1]',
            "ok": False,
            "ratio": 0.5,
            "otel.scope.name": "shop.payment",
            "otel.scope.version": "1.2",
            "deployment.environment": "test",
        }
        assert event.duration is None

    def test_is_kept_whole_as_a_message_that_any_tool_reads(self) -> None:
        request = logs_request(log_record())
        event = event_of(request)
        assert ResourceLogs.FromString(event.original) == request.resource_logs[0]
        assert event.length == len(event.original)

    @pytest.mark.parametrize(
        ("fields", "timestamp", "observed"),
        [
            ({"time_unix_nano": 0}, None, NOW + 5),
            ({"observed_time_unix_nano": 0}, NOW, 7),
            ({"time_unix_nano": 0, "observed_time_unix_nano": 0}, None, 7),
        ],
    )
    def test_without_a_time_stands_where_it_was_observed(
        self, fields: dict[str, int], timestamp: int | None, observed: int
    ) -> None:
        event = event_of(logs_request(log_record(**fields)))
        assert (event.timestamp, event.observed_timestamp) == (timestamp, observed)

    @pytest.mark.parametrize(
        ("number", "text", "expected"), [(0, "Warning", 13), (9, "", 9), (25, "", 0), (-1, "", 0), (0, "odd", 0)]
    )
    def test_has_a_severity_by_number_else_by_word(self, number: int, text: str, expected: int) -> None:
        event = event_of(logs_request(log_record(severity_number=number, severity_text=text)))  # type: ignore[arg-type]
        assert (event.severity_number, event.severity_text) == (expected, text)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (None, ""),
            ("", ""),
            (42, "42"),
            (True, "true"),
            (["a", {"b": 1.5}], '["a",{"b":1.5}]'),
            ({"msg": "hi"}, '{"msg":"hi"}'),
            (b"\xff\x00", "/wA="),
        ],
    )
    def test_has_a_body_of_any_kind(self, body: Any, expected: str) -> None:
        assert event_of(logs_request(log_record(body))).body == expected

    def test_with_a_structured_body_is_found_by_its_fields(self) -> None:
        event = event_of(logs_request(log_record({"order": {"id": 7}})))
        assert event.attributes["body.order.id"] == 7

    def test_named_as_an_event_is_found_by_its_name(self) -> None:
        event = event_of(logs_request(log_record(None, event_name="payment.declined")))
        assert (event.body, event.attributes["event.name"]) == ("payment.declined", "payment.declined")

    def test_says_how_many_attributes_were_dropped_before_and_here(self) -> None:
        many = {f"k{i}": i for i in range(200)}
        event = event_of(logs_request(log_record(dropped_attributes_count=3, attributes=many)))
        assert event.attributes["otel.dropped_attributes_count"] == 3
        assert event.attributes["clew.attributes_dropped"] == 200 + 3 - 128

    def test_wins_over_its_resource_where_both_name_a_thing(self) -> None:
        event = event_of(logs_request(log_record(attributes={"region": "here"}), resource={"region": "there"}))
        assert (event.attributes["region"], event.attributes["resource.region"]) == ("here", "there")

    @pytest.mark.parametrize(
        ("resource", "service", "instance", "host"),
        [
            ({}, "unknown_service", "", ""),
            ({"service.name": "a", "k8s.pod.name": "a-0", "k8s.node.name": "n1"}, "a", "a-0", "n1"),
            ({"service.name": "", "container.id": "c", "host.id": "h"}, "unknown_service", "c", "h"),
            ({"service.name": 7, "service.instance.id": "i", "k8s.pod.name": "p"}, "7", "i", ""),
        ],
    )
    def test_is_its_resources(self, resource: dict[str, Any], service: str, instance: str, host: str) -> None:
        event = event_of(logs_request(log_record(), resource=resource))
        assert (event.service, event.instance, event.host) == (service, instance, host)

    @pytest.mark.parametrize("trace_id", [b"", bytes(16), b"short", bytes(15) + b"xx"])
    def test_with_an_invalid_trace_id_is_a_transaction_of_its_own(self, trace_id: bytes) -> None:
        event = event_of(logs_request(log_record(trace_id=trace_id, span_id=bytes(8))))
        assert (event.transaction_id, event.transaction_origin) == (event.event_id, "generated")
        assert event.span_id == ""

    def test_without_a_trace_id_is_stamped_by_what_it_says(self) -> None:
        written, named, silent = events_of(
            logs_request(
                log_record(f"called with traceparent 00-{TRACE}-{SPAN}-01\nin two lines"),
                log_record(attributes={"request_id": "order-4711"}),
                log_record(),
            )
        )
        assert (written.transaction_id, written.transaction_origin) == (TRACE, "line")
        assert (named.transaction_id, named.transaction_origin) == (map_alias("order-4711"), "alias")
        assert named.aliases == ("order-4711",)
        assert silent.transaction_origin == "generated"

    def test_with_a_trace_id_and_a_request_id_unites_both_names(self) -> None:
        event = event_of(
            logs_request(log_record(trace_id=bytes.fromhex(TRACE), attributes={"request_id": "order-4711"}))
        )
        assert (event.transaction_id, event.transaction_origin, event.aliases) == (TRACE, "line", ("order-4711",))

    def test_of_odd_numbers_is_an_event_all_the_same(self) -> None:
        event = event_of(logs_request(log_record(math.nan, attributes={"inf": math.inf, "big": -(2**63), "": 1})))
        assert event.attributes["inf"] == math.inf
        assert event.attributes["clew.attributes_dropped"] == 1


class TestASpan:
    def test_becomes_an_event_that_lasts(self) -> None:
        event = event_of(
            spans_request(
                span(
                    parent_span_id=bytes.fromhex(PARENT),
                    kind=Span.SPAN_KIND_SERVER,
                    status=Status(code=Status.STATUS_CODE_ERROR, message="card declined"),
                    links=[Span.Link(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)],
                    attributes={"http.route": "/pay"},
                )
            )
        )
        assert (event.time, event.duration, event.end) == (NOW, 1_500_000_000, NOW + 1_500_000_000)
        assert (event.body, event.kind, event.status, event.severity_number) == ("GET /pay", "server", "error", 17)
        assert (event.transaction_id, event.transaction_origin) == (TRACE, "line")
        assert (event.span_id, event.parent_span_id) == (SPAN, PARENT)
        assert event.links == (Link("01" * 16, "02" * 8),)
        assert event.attributes["http.route"] == "/pay"
        assert event.attributes["otel.status_description"] == "card declined"
        assert (event.service, event.host, event.source) == ("shop", "alpha", "")

    @pytest.mark.parametrize(("kind", "name"), [(0, ""), (1, "internal"), (3, "client"), (4, "producer"),
                                                (5, "consumer"), (77, "")])  # fmt: skip
    def test_has_a_kind_in_words(self, kind: int, name: str) -> None:
        assert event_of(spans_request(span(kind=kind))).kind == name

    @pytest.mark.parametrize(("code", "word"), [(0, ""), (1, "ok"), (2, "error"), (9, "")])
    def test_has_a_status_in_words(self, code: int, word: str) -> None:
        assert event_of(spans_request(span(status=Status(code=code)))).status == word  # type: ignore[arg-type]

    def test_that_ends_before_it_begins_lasts_no_time(self) -> None:
        assert event_of(spans_request(span(end_time_unix_nano=NOW - 1))).duration == 0

    def test_keeps_what_happened_in_it(self) -> None:
        happened = Span.Event(name="exception", time_unix_nano=NOW + 1)
        event = event_of(spans_request(span(events=[happened])))
        assert event.attributes["otel.events"] == (
            f'[{{"time_unix_nano":{NOW + 1},"name":"exception","attributes":{{}}}}]'
        )

    @pytest.mark.parametrize(
        "ids", [{"trace_id": b""}, {"trace_id": bytes(16)}, {"span_id": b"1"}, {"span_id": bytes(8)}]
    )
    def test_without_valid_ids_is_rejected_and_counted(self, ids: dict[str, bytes]) -> None:
        records = take_spans(spans_request(span(), span(**ids)))
        assert (len(records.lines), records.rejected.total()) == (1, 1)


class TestAnId:
    def test_is_the_records_own_whatever_it_came_with(self) -> None:
        one, other = log_record("a"), log_record("b")
        together = events_of(logs_request(one, other))
        assert [event.event_id for event in together] == [
            event_of(logs_request(one)).event_id,
            event_of(logs_request(other)).event_id,
        ]

    def test_tells_records_apart_that_differ_anywhere(self) -> None:
        requests = [
            logs_request(log_record()),
            logs_request(log_record(time_unix_nano=NOW + 1)),
            logs_request(log_record(), scope="other"),
            logs_request(log_record(), resource={**SHOP, "host.name": "beta"}),
            spans_request(span()),
        ]
        assert len({event_of(request).event_id for request in requests}) == len(requests)

    def test_tells_equal_records_of_one_request_apart_the_same_way_each_time(self) -> None:
        same = [log_record()] * 3
        first, again = events_of(logs_request(*same)), events_of(logs_request(log_record("x"), *same))
        assert len({event.event_id for event in first}) == 3
        assert [event.event_id for event in first] == [event.event_id for event in again[1:]]
        assert {event.body for event in first} == {"Payment declined"}

    @given(st.data())
    def test_stays_however_the_log_cuts_the_chunk(self, data: st.DataObject) -> None:
        request = logs_request(*[log_record(str(i % 3)) for i in range(9)])
        (chunk,) = chunks_of(take_logs(request, STAMPER), observed_ns=7)
        whole = Normaliser().events(chunk)
        first = data.draw(st.integers(0, 8))
        last = data.draw(st.integers(first + 1, 9))
        assert Normaliser().events(chunk.select(first, last)) == whole[first:last]
        offsets = chunk.line_offsets()
        rest = take(chunk, [(0, offsets[first])]).chunk
        assert rest is not None
        assert Normaliser().events(rest) == whole[first:]


class TestChunks:
    def test_are_one_file_for_a_request_and_the_same_one_when_it_comes_again(self) -> None:
        request = logs_request(log_record("a"), log_record("b"))
        first, again = (chunks_of(take_logs(request, STAMPER), observed_ns=at)[0] for at in (7, 8))
        assert first.source == again.source
        assert first.source.kind is SourceKind.OTLP_LOGS
        assert chunks_of(take_logs(logs_request(log_record("a")), STAMPER), observed_ns=7)[0].source != first.source

    def test_pass_over_the_wire_unchanged(self) -> None:
        (chunk,) = chunks_of(take_spans(spans_request(span())), observed_ns=7)
        assert decode_chunk(encode_chunk(chunk)) == chunk

    def test_of_a_large_request_follow_each_other_in_its_file(self) -> None:
        request = logs_request(*[log_record("x" * 100_000 + str(i)) for i in range(100)])
        chunks = chunks_of(take_logs(request, STAMPER), observed_ns=7)
        assert len(chunks) > 1
        assert [chunk.start for chunk in chunks[1:]] == [chunk.end for chunk in chunks[:-1]]
        assert sum(chunk.count for chunk in chunks) == 100

    def test_of_an_empty_request_are_none(self) -> None:
        assert chunks_of(take_logs(ExportLogsServiceRequest(), STAMPER), observed_ns=7) == []
        assert chunks_of(take_logs(logs_request(), STAMPER), observed_ns=7) == []

    def test_keep_alias_and_id_columns_beside_their_lines(self) -> None:
        records = Records(SourceKind.OTLP_LOGS, [b"a" * (3 << 20)] * 3, bytes(range(48)), b"\1\2\1", {1: ("x",)}, {})  # type: ignore[arg-type]
        chunks = chunks_of(records, observed_ns=7)
        assert [chunk.count for chunk in chunks] == [1, 1, 1]
        assert [chunk.aliases for chunk in chunks] == [{}, {0: ("x",)}, {}]
        assert chunks[2].ids == bytes(range(32, 48))

    @given(st.binary(max_size=60))
    def test_of_any_bytes_become_events_one_a_line(self, line: bytes) -> None:
        for kind in (SourceKind.OTLP_LOGS, SourceKind.OTLP_SPANS):
            (whole,) = chunks_of(take_logs(logs_request(log_record()), STAMPER), observed_ns=7)
            chunk = Chunk(
                source=type(whole.source)(file_id=bytes(10), path="", host="", service="", kind=kind),
                observed_ns=7, start=0, lengths=pack_u32([len(line) or 1]), payload=line or b"\0",
            )  # fmt: skip
            (event,) = Normaliser().events(chunk)
            assert event.original == (line or b"\0")
