"""Messages as the OpenTelemetry Collector, Filebeat, Fluent Bit and Vector write them to Kafka, as events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.otlp.messages import NOW, TRACE, log_record, logs_request, span, spans_request

from clew_agent.wire import map_alias
from clew_collector.errors import MessageError
from clew_collector.event import Event
from clew_collector.foreign import ForeignDecoder, Form, Message, form_of
from clew_collector.normalise import Normaliser

WRITTEN = 1_795_478_405_000_000_000
DECODER = ForeignDecoder(Normaliser())

FILEBEAT_FILE = {
    "@timestamp": "2026-11-24T00:00:00.123Z",
    "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.2"},
    "message": "2026-11-23 23:59:59,750 ERROR [main] c.e.Pay - Payment of order 4711 failed",
    "log": {"offset": 10423, "file": {"path": "/var/log/shop/pay.log", "inode": "1313", "device_id": "66305"}},
    "input": {"type": "filestream"},
    "agent": {"type": "filebeat", "version": "8.19.2", "id": "9c8a", "name": "web-1", "ephemeral_id": "1f"},
    "ecs": {"version": "8.0.0"},
    "host": {"name": "web-1"},
    "tags": ["prod"],
    "fields": {"team": "checkout"},
}
FILEBEAT_CONTAINER = {
    "@timestamp": "2026-11-24T00:00:00.123Z",
    "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.2"},
    "stream": "stderr",
    "message": "2026-11-24 01:00:00,120 WARN slow answer trace_id=" + TRACE,
    "log": {"offset": 7, "file": {"path": "/var/log/containers/pay-7d_shop_pay-8f.log"}},
    "kubernetes": {
        "pod": {"name": "pay-7d", "uid": "d4c1"},
        "namespace": "shop",
        "node": {"name": "node-3"},
        "container": {"name": "main"},
        "labels": {"app_kubernetes_io/name": "payments"},
    },
    "container": {"id": "8f1c", "runtime": "containerd", "image": {"name": "shop/pay:1"}},
    "host": {"name": "node-3"},
    "agent": {"type": "filebeat", "name": "node-3"},
    "ecs": {"version": "8.0.0"},
    "input": {"type": "container"},
}
FILEBEAT_ECS = {
    "@timestamp": "2026-11-24T00:00:00.123Z",
    "message": "order placed",
    "log": {"level": "INFO", "logger": "shop.orders", "offset": 99, "file": {"path": "/var/log/shop/orders.json"}},
    "service": {"name": "orders"},
    "trace": {"id": TRACE},
    "host": {"name": "web-1"},
    "agent": {"type": "filebeat", "name": "web-1"},
    "ecs": {"version": "1.2.0"},
}
FLUENT_BIT_KUBERNETES = {
    "@timestamp": 1795478400.123456,
    "time": "2026-11-24T00:00:00.123456789Z",
    "stream": "stdout",
    "_p": "F",
    "log": '{"level":"error","msg":"card declined","request_id":"order-4711"}\n',
    "kubernetes": {
        "pod_name": "pay-7d",
        "namespace_name": "shop",
        "pod_id": "d4c1",
        "host": "node-3",
        "container_name": "pay",
        "docker_id": "8f1c",
        "labels": {"app": "payments"},
    },
}
FLUENT_BIT_TAIL = {
    "@timestamp": 1795478400.5,
    "filename": "/var/log/nginx/access.log",
    "log": '203.0.113.9 - - [24/Nov/2026:00:00:00 +0000] "GET /pay HTTP/1.1" 502 157 "-" "curl/8"',
}
VECTOR_FILE = {
    "file": "/var/log/shop/pay.log",
    "host": "web-1",
    "message": "payment retried",
    "offset": 1024,
    "source_type": "file",
    "timestamp": "2026-11-24T00:00:00.123456789Z",
}
VECTOR_KUBERNETES = {
    "file": "/var/log/pods/shop_pay-7d_d4c1/pay/0.log",
    "kubernetes": {
        "container_id": "containerd://8f1c",
        "container_image": "shop/pay:1",
        "container_name": "pay",
        "pod_labels": {"app.kubernetes.io/name": "payments"},
        "pod_name": "pay-7d",
        "pod_namespace": "shop",
        "pod_node_name": "node-3",
    },
    "message": "ERROR card declined",
    "source_type": "kubernetes_logs",
    "stream": "stdout",
    "timestamp": "2026-11-24T00:00:00.123456789Z",
}
OWN = {
    "timestamp": "2026-11-24T00:00:00Z",
    "level": "warn",
    "message": "disk is 91% full",
    "service": "backup",
    "host": "db-1",
}


def message(value: Any, *, offset: int = 5, topic: str = "logs", partition: int = 2) -> Message:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Message(topic=topic, partition=partition, offset=offset, timestamp_ns=WRITTEN, value=raw)


def decode(value: Any, form: Form = Form.JSON, **place: Any) -> list[Event]:
    return DECODER.decode(message(value, **place), form).events


def event_of(value: Any, form: Form = Form.JSON) -> Event:
    (event,) = decode(value, form)
    return event


class TestShippers:
    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            (FILEBEAT_FILE, {
                "service": "pay", "host": "web-1", "instance": "", "source": "/var/log/shop/pay.log",
                "timestamp": 1_795_478_399_750_000_000, "severity_number": 17,
                "body": "Payment of order 4711 failed", "transaction_origin": "generated",
                "original": FILEBEAT_FILE["message"].encode(),  # type: ignore[attr-defined]
            }),
            (FILEBEAT_CONTAINER, {
                "service": "payments", "host": "node-3", "instance": "pay-7d",
                "source": "/var/log/containers/pay-7d_shop_pay-8f.log",
                "timestamp": 1_795_478_400_123_000_000, "severity_number": 13,
                "transaction_id": TRACE, "transaction_origin": "line",
            }),
            (FILEBEAT_ECS, {
                "service": "orders", "host": "web-1", "source": "/var/log/shop/orders.json",
                "timestamp": 1_795_478_400_123_000_000, "severity_number": 9, "severity_text": "INFO",
                "body": "order placed", "transaction_id": TRACE, "transaction_origin": "line",
            }),
            (FLUENT_BIT_KUBERNETES, {
                "service": "payments", "host": "node-3", "instance": "pay-7d", "source": "kafka:logs/2",
                "timestamp": 1_795_478_400_123_456_000, "severity_number": 17, "body": "card declined",
                "transaction_id": map_alias("order-4711"), "transaction_origin": "alias", "aliases": ("order-4711",),
            }),
            (FLUENT_BIT_TAIL, {
                "service": "access", "host": "", "source": "/var/log/nginx/access.log",
                "timestamp": 1_795_478_400_000_000_000,
                "original": FLUENT_BIT_TAIL["log"].encode(),  # type: ignore[attr-defined]
            }),
            (VECTOR_FILE, {
                "service": "pay", "host": "web-1", "source": "/var/log/shop/pay.log",
                "timestamp": 1_795_478_400_123_456_789, "body": "payment retried", "original": b"payment retried",
            }),
            (VECTOR_KUBERNETES, {
                "service": "payments", "host": "node-3", "instance": "pay-7d",
                "source": "/var/log/pods/shop_pay-7d_d4c1/pay/0.log",
                "timestamp": 1_795_478_400_123_456_789, "severity_number": 17,
            }),
            (OWN, {
                "service": "backup", "host": "db-1", "source": "kafka:logs/2", "severity_number": 13,
                "timestamp": 1_795_478_400_000_000_000, "body": "disk is 91% full",
            }),
        ],
        ids=["filebeat file", "filebeat container", "filebeat ecs", "fluent bit kubernetes", "fluent bit tail",
             "vector file", "vector kubernetes", "a program's own"],
    )  # fmt: skip
    def test_documents_say_who_wrote_the_line_where_and_when(
        self, document: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        event = event_of(document)
        assert {name: getattr(event, name) for name in expected} == expected
        assert event.observed_timestamp == WRITTEN
        assert event.offset == 5
        assert event.length == 1

    def test_what_else_they_know_becomes_attributes(self) -> None:
        assert event_of(FILEBEAT_FILE).attributes.items() >= {"tags": '["prod"]', "fields.team": "checkout"}.items()
        assert event_of(VECTOR_KUBERNETES).attributes.items() >= {
            "kubernetes.pod_namespace": "shop", "log.iostream": "stdout",
        }.items()  # fmt: skip
        assert event_of(FILEBEAT_ECS).attributes.items() >= {"trace.id": TRACE, "logger": "shop.orders"}.items()

    def test_what_they_say_of_themselves_does_not(self) -> None:
        for document in (FILEBEAT_FILE, FILEBEAT_CONTAINER, FILEBEAT_ECS, VECTOR_FILE, VECTOR_KUBERNETES):
            keys = event_of(document).attributes
            assert not [key for key in keys if key.startswith(("@metadata", "agent.", "ecs.", "source_type", "offset"))]

    def test_a_document_that_was_parsed_is_kept_as_it_came(self) -> None:
        assert json.loads(event_of(FILEBEAT_ECS).original) == FILEBEAT_ECS

    @pytest.mark.parametrize(
        "document",
        [{}, {"message": 7}, {"host": [1], "kubernetes": 3, "log": None}, {"log": {"file": "x"}}, {"message": ""},
         {"message": "a", "@timestamp": True}, {"message": "a\nb", "time": {"x": 1}},
         {"@timestamp": -1, "message": "a"},
         {"service": {"name": 4}, "log": {"level": 5}, "message": ["x"]}],
    )  # fmt: skip
    def test_documents_of_odd_types_are_events_all_the_same(self, document: dict[str, Any]) -> None:
        assert event_of(document).service == "logs"

    @given(st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
        lambda inner: st.dictionaries(
            st.sampled_from(["message", "log", "host", "name", "kubernetes", "time", "@timestamp", "level", "stream",
                             "file", "path", "service", "labels", "app"]) | st.text(max_size=5), inner, max_size=5),
        max_leaves=12,
    ).filter(lambda document: isinstance(document, dict)))  # fmt: skip
    def test_any_document_is_one_event_the_same_each_time(self, document: Any) -> None:
        assert decode(document) == decode(document)
        assert len(decode(document)) == 1


class TestPlaces:
    def test_make_the_ids_so_the_same_message_is_the_same_event(self) -> None:
        event = event_of(VECTOR_FILE)
        assert event_of(VECTOR_FILE) == event
        others = [decode(VECTOR_FILE, **place)[0] for place in ({"offset": 6}, {"partition": 3}, {"topic": "other"})]
        assert len({one.event_id for one in [event, *others]}) == 4
        assert others[0].file_id == event.file_id

    @pytest.mark.parametrize(
        "value",
        [json.dumps([OWN, VECTOR_FILE]).encode(), b"\n".join(json.dumps(d).encode() for d in (OWN, VECTOR_FILE))],
    )
    def test_of_several_documents_in_a_message_differ(self, value: bytes) -> None:
        first, second = decode(value)
        assert (first.body, second.body) == ("disk is 91% full", "payment retried")
        assert first.event_id != second.event_id
        assert first.event_id == event_of(OWN).event_id

    def test_of_otlp_records_are_their_own(self) -> None:
        value = logs_request(log_record()).SerializeToString()
        assert (
            decode(value, Form.OTLP_LOGS, offset=1)[0].event_id == decode(value, Form.OTLP_LOGS, offset=2)[0].event_id
        )


class TestForms:
    def test_otlp_logs(self) -> None:
        value = logs_request(log_record(trace_id=bytes.fromhex(TRACE)), log_record("two")).SerializeToString()
        first, second = decode(value, Form.OTLP_LOGS)
        assert (first.transaction_id, first.timestamp, second.body) == (TRACE, NOW, "two")

    def test_otlp_traces(self) -> None:
        event = event_of(spans_request(span()).SerializeToString(), Form.OTLP_TRACES)
        assert (event.body, event.duration) == ("GET /pay", 1_500_000_000)

    def test_otlp_records_that_cannot_be_kept_are_told_beside_those_that_can(self) -> None:
        value = spans_request(span(), span(trace_id=b"")).SerializeToString()
        decoded = DECODER.decode(message(value), Form.OTLP_TRACES)
        assert (len(decoded.events), decoded.rejected[:21]) == (1, "1 spans have no valid")

    def test_otlp_in_json(self) -> None:
        value = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hi"}, "traceId": TRACE}]}]}]}
        event = event_of(value, Form.OTLP_LOGS)
        assert (event.body, event.transaction_id, event.time) == ("hi", TRACE, WRITTEN)

    def test_text(self) -> None:
        event = event_of(b"2026-11-24 00:00:00 ERROR caf\xc3\xa9 closed\r\n", Form.TEXT)
        assert (event.severity_number, event.body, event.service) == (17, "café closed", "logs")

    @pytest.mark.parametrize("form", Form)
    def test_of_an_empty_message_are_nothing(self, form: Form) -> None:
        assert decode(b"", form) == []

    @pytest.mark.parametrize(
        ("value", "form"),
        [
            (b"\xff\xff", Form.OTLP_LOGS),
            (b"{", Form.OTLP_TRACES),
            (b"no json", Form.JSON),
            (b"7", Form.JSON),
            (b'[{"a": 1}, 2]', Form.JSON),
            (b'{"a": 1}\n{', Form.JSON),
            (b"[" * 50_000, Form.JSON),
        ],
    )
    def test_that_the_bytes_do_not_have_are_refused_with_a_reason(self, value: bytes, form: Form) -> None:
        with pytest.raises(MessageError, match="message"):
            decode(value, form)

    @pytest.mark.parametrize(
        ("headers", "configured", "expected"),
        [
            ([], None, None),
            ([], Form.JSON, Form.JSON),
            ([("clew-form", b"otlp_logs")], None, Form.OTLP_LOGS),
            ([("x", b"y"), ("Clew-Form", b"text")], Form.JSON, Form.TEXT),
            ([("clew-form", b"unheard")], Form.JSON, None),
            ([("clew-form", None)], Form.JSON, Form.JSON),
        ],
    )
    def test_are_said_by_a_header_else_by_the_setting(
        self, headers: list[tuple[str, bytes | None]], configured: Form | None, expected: Form | None
    ) -> None:
        assert form_of(headers, configured) == expected
