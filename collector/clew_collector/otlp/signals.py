"""OTLP's two signals that Clew takes, and what differs between them."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

__all__ = ["LOGS", "TRACES", "Request", "Response", "Signal"]

Request = ExportLogsServiceRequest | ExportTraceServiceRequest
Response = ExportLogsServiceResponse | ExportTraceServiceResponse


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal's path (OTLP specification, "OTLP/HTTP Request") and messages."""

    path: str
    request: type[Request]
    response: type[Response]
    rejected_field: str
    """Of the response's `partial_success`."""


LOGS = Signal("/v1/logs", ExportLogsServiceRequest, ExportLogsServiceResponse, "rejected_log_records")
TRACES = Signal("/v1/traces", ExportTraceServiceRequest, ExportTraceServiceResponse, "rejected_spans")
