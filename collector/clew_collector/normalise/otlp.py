"""From the lines of an OTLP chunk to events. Semantic conventions name the resource's attributes."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from clew_agent.wire import NO_TRANSACTION, Chunk, Origin, SourceKind, unpack_u32
from clew_collector.event import Event, Link, Severity

from .attributes import add_objects
from .limits import Limits
from .otlp_values import fields_of, plain_value
from .reading import Reading
from .severity import severity_of_word

__all__ = ["OtlpReader"]

UNKNOWN_SERVICE = "unknown_service"
"""What the resource semantic conventions call a service that does not say its name."""
_INSTANCE_KEYS = ("service.instance.id", "k8s.pod.name", "container.id")
_HOST_KEYS = ("host.name", "k8s.node.name", "host.id")
_KINDS = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}
_STATUSES = {Status.STATUS_CODE_OK: "ok", Status.STATUS_CODE_ERROR: "error"}
_SEVERITY_MAX = 24
_ORIGINS = {origin.value: origin.label for origin in Origin}
_encode = msgspec.json.Encoder().encode


class _Writer(NamedTuple):
    """Who a resource says it is, and what else it says."""

    service: str
    instance: str
    host: str
    attributes: dict[str, Any]


class _Place(NamedTuple):
    """What an event has from its chunk."""

    event_id: str
    observed_ns: int
    length: int
    transaction_id: str
    origin: str
    aliases: tuple[str, ...]
    original: bytes


class OtlpReader:
    """Turns chunks of OTLP records into events; holds nothing of what it has seen but resources."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def events(self, chunk: Chunk) -> list[Event]:
        """Return the chunk's events, exactly one per line; never raises, whatever the bytes."""
        read = self._log if chunk.source.kind is SourceKind.OTLP_LOGS else self._span
        ids = chunk.ids.hex() if chunk.ids else NO_TRANSACTION * chunk.count
        events: list[Event] = []
        begin = 0
        for i, size in enumerate(unpack_u32(chunk.sizes or chunk.lengths)):
            line = chunk.payload[begin : begin + size]
            begin += size
            event_id = blake2b(line, digest_size=16, person=b"clew-otlp").hexdigest()
            origin = chunk.origins[i] if chunk.origins else Origin.GENERATED
            transaction_id = event_id if origin == Origin.GENERATED else ids[32 * i : 32 * i + 32]
            place = _Place(
                event_id, chunk.observed_ns, size, transaction_id, _ORIGINS[origin], chunk.aliases.get(i, ()), line
            )
            try:
                events.append(read(place))
            except (DecodeError, IndexError):
                # Only a sender that makes chunks itself can bring this about.
                events.append(_event(place, _Writer(UNKNOWN_SERVICE, "", "", {}), Reading("")))
        return events

    def _log(self, place: _Place) -> Event:
        message = ResourceLogs.FromString(place.original)
        scope = message.scope_logs[0]
        record = scope.log_records[0]
        writer = _writer(message.resource.SerializeToString())
        reading = Reading(_body(record))
        fields = fields_of(record.attributes)
        if record.event_name:
            fields.setdefault("event.name", record.event_name)
        if record.body.HasField("kvlist_value"):
            fields["body"] = plain_value(record.body)
        self._add(reading, fields, scope.scope, writer, record.dropped_attributes_count)
        reading.timestamp = record.time_unix_nano or None
        reading.severity_text = record.severity_text
        number = record.severity_number
        reading.severity_number = number if 0 < number <= _SEVERITY_MAX else severity_of_word(record.severity_text)
        reading.span_id = record.span_id.hex() if len(record.span_id) == 8 and any(record.span_id) else ""
        if record.observed_time_unix_nano:
            place = place._replace(observed_ns=record.observed_time_unix_nano)
        return _event(place, writer, reading)

    def _span(self, place: _Place) -> Event:
        message = ResourceSpans.FromString(place.original)
        scope = message.scope_spans[0]
        span = scope.spans[0]
        writer = _writer(message.resource.SerializeToString())
        reading = Reading(span.name)
        fields = fields_of(span.attributes)
        if span.status.message:
            fields["otel.status_description"] = span.status.message
        if span.trace_state:
            fields["w3c.tracestate"] = span.trace_state
        if span.events:
            fields["otel.events"] = [
                {"time_unix_nano": e.time_unix_nano, "name": e.name, "attributes": fields_of(e.attributes)}
                for e in span.events
            ]
        self._add(reading, fields, scope.scope, writer, span.dropped_attributes_count)
        reading.timestamp = span.start_time_unix_nano or None
        status = _STATUSES.get(span.status.code, "")
        reading.severity_number = Severity.ERROR if status == "error" else Severity.UNSPECIFIED
        reading.span_id = span.span_id.hex()
        reading.parent_span_id = span.parent_span_id.hex() if any(span.parent_span_id) else ""
        return _event(
            place,
            writer,
            reading,
            duration=max(0, span.end_time_unix_nano - span.start_time_unix_nano),
            kind=_KINDS.get(span.kind, ""),
            status=status,
            links=tuple(Link(link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        )

    def _add(
        self, reading: Reading, fields: dict[str, Any], scope: InstrumentationScope, writer: _Writer, dropped: int
    ) -> None:
        """Fill in the attributes: the record's own, its scope's, and the resource's, which step aside."""
        if scope.name:
            fields.setdefault("otel.scope.name", scope.name)
        if scope.version:
            fields.setdefault("otel.scope.version", scope.version)
        for known in (fields_of(scope.attributes), writer.attributes):
            for key, value in known.items():
                fields[key if key not in fields else f"resource.{key}"] = value
        add_objects(reading, fields, self._limits)
        if reading.dropped:
            reading.attributes["clew.attributes_dropped"] = reading.dropped
        if dropped:
            reading.attributes["otel.dropped_attributes_count"] = dropped


def _event(place: _Place, writer: _Writer, reading: Reading, **span: Any) -> Event:
    return Event(
        event_id=place.event_id,
        timestamp=reading.timestamp,
        observed_timestamp=place.observed_ns,
        severity_number=reading.severity_number,
        severity_text=reading.severity_text,
        service=writer.service,
        instance=writer.instance,
        host=writer.host,
        source="",
        offset=0,
        length=place.length,
        transaction_id=place.transaction_id,
        transaction_origin=place.origin,
        aliases=place.aliases,
        span_id=reading.span_id,
        parent_span_id=reading.parent_span_id,
        body=reading.body,
        attributes=reading.attributes,
        original=place.original,
        **span,
    )


def _body(record: LogRecord) -> str:
    body = plain_value(record.body)
    if body is None:
        return record.event_name
    return body if isinstance(body, str) else _encode(body).decode()


@lru_cache(maxsize=1024)
def _writer(resource: bytes) -> _Writer:
    """Return what a resource says; cached, as all records of a process have the same one."""
    attributes = fields_of(Resource.FromString(resource).attributes)
    service = attributes.pop("service.name", None)
    return _Writer(
        str(service) if service else UNKNOWN_SERVICE,
        _first(attributes, _INSTANCE_KEYS),
        _first(attributes, _HOST_KEYS),
        attributes,
    )


def _first(attributes: dict[str, Any], keys: tuple[str, ...]) -> str:
    """Take the first of the keys that says something out of the attributes."""
    key = next((key for key in keys if attributes.get(key)), None)
    return "" if key is None else str(attributes.pop(key))
