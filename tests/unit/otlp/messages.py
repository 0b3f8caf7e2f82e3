"""OTLP messages as services send them, for tests."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"
PARENT = "eee19b7ec3c1b173"
NOW = 1_795_478_400_123_456_789

SHOP = {"service.name": "shop", "service.instance.id": "shop-1", "host.name": "alpha", "deployment.environment": "test"}


def any_value(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    return AnyValue(string_value=value)


def key_values(fields: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in fields.items()]


def log_record(body: Any = "Payment declined", **fields: Any) -> LogRecord:
    attributes = key_values(fields.pop("attributes", {}))
    defaults = {"time_unix_nano": NOW, "observed_time_unix_nano": NOW + 5}
    return LogRecord(body=any_value(body), attributes=attributes, **(defaults | fields))


def span(name: str = "GET /pay", **fields: Any) -> Span:
    attributes = key_values(fields.pop("attributes", {}))
    defaults: dict[str, Any] = {
        "trace_id": bytes.fromhex(TRACE),
        "span_id": bytes.fromhex(SPAN),
        "start_time_unix_nano": NOW,
        "end_time_unix_nano": NOW + 1_500_000_000,
    }
    return Span(name=name, attributes=attributes, **(defaults | fields))


def logs_request(
    *records: LogRecord, resource: dict[str, Any] | None = None, scope: str = "shop.payment"
) -> ExportLogsServiceRequest:
    group = ResourceLogs(
        resource=Resource(attributes=key_values(SHOP if resource is None else resource)),
        scope_logs=[ScopeLogs(scope=InstrumentationScope(name=scope, version="1.2"), log_records=records)],
    )
    return ExportLogsServiceRequest(resource_logs=[group])


def spans_request(
    *spans: Span, resource: dict[str, Any] | None = None, scope: str = "shop.payment"
) -> ExportTraceServiceRequest:
    group = ResourceSpans(
        resource=Resource(attributes=key_values(SHOP if resource is None else resource)),
        scope_spans=[ScopeSpans(scope=InstrumentationScope(name=scope, version="1.2"), spans=spans)],
    )
    return ExportTraceServiceRequest(resource_spans=[group])
