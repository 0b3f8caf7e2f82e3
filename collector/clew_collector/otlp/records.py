"""From an OTLP request to chunks: each log record, each span is a line that says everything by itself.

A line is the Protobuf message `ResourceLogs` (or `ResourceSpans`) with this one record in it, so it is what any OTLP
tool reads, and its hash is the event's id: the same record sent again, alone or among others, in Protobuf or JSON, is
the same event. Records of one request that are equal to the last bit are different events all the same; the second,
third... carry their number in a field that OTLP does not have (and that its readers pass over). See
docs/adr/0007-otlp-records-are-lines.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from clew_agent.stamp.stamper import Stamper
from clew_agent.stamp.text import Text
from clew_agent.wire import FILE_ID_BYTES, Chunk, Origin, Source, SourceKind, pack_u32
from clew_collector.normalise.otlp_values import fields_of, plain_value

__all__ = ["RECORD_BYTES_MAX", "Records", "chunks_of", "take_logs", "take_spans"]

RECORD_BYTES_MAX = 16 << 20
"""A larger record, with its resource and scope, is refused: no chunk could carry it."""
CHUNK_PAYLOAD_BYTES = 4 << 20
CHUNK_LINES_MAX = 100_000
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
# Field 1000, a varint.
_NUMBER_TAG = bytes([0xC0, 0x3E])
_NO_ID = bytes(_TRACE_ID_BYTES)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a request that can be kept, by column, and why others cannot."""

    kind: SourceKind
    lines: Sequence[bytes]
    ids: bytes
    """Transaction ids, 16 bytes each; zeros where generated."""
    origins: bytes
    aliases: dict[int, tuple[str, ...]]
    rejected: Counter[str]
    """Reason, in words, -> records that have no place here."""


def take_logs(request: ExportLogsServiceRequest, stamper: Stamper) -> Records:
    """Return the request's log records.

    A record's trace id is its transaction; one without (or with an invalid one, which OTLP says to take as none) is
    stamped like a line of a file, by what its attributes and its body say.
    """
    lines, trace_ids, texts = _Lines(), list[bytes](), list[bytes]()
    for group in request.resource_logs:
        for scope_logs in group.scope_logs:
            one = ResourceLogs(resource=group.resource, schema_url=group.schema_url)
            scope = one.scope_logs.add(scope=scope_logs.scope, schema_url=scope_logs.schema_url)
            for record in scope_logs.log_records:
                if lines.add(one, scope.log_records, record):
                    trace_ids.append(record.trace_id if _is_id(record.trace_id, _TRACE_ID_BYTES) else _NO_ID)
                    texts.append(_text_of(record))
    stamps = stamper.stamp(Text(b"\n".join(texts))) if texts else None
    ids, origins = bytearray(), bytearray()
    for number, trace_id in enumerate(trace_ids):
        if trace_id != _NO_ID:
            ids += trace_id
            origins.append(Origin.LINE)
        elif stamps and stamps.ids:
            ids += stamps.ids[_TRACE_ID_BYTES * number : _TRACE_ID_BYTES * (number + 1)]
            origins.append(stamps.origins[number])
        else:
            ids += _NO_ID
            origins.append(Origin.GENERATED)
    aliases = stamps.aliases if stamps else {}
    return Records(SourceKind.OTLP_LOGS, lines.lines, bytes(ids), bytes(origins), aliases, lines.rejected)


def take_spans(request: ExportTraceServiceRequest) -> Records:
    """Return the request's spans; one without a valid trace id and span id is no span and is rejected."""
    lines, ids = _Lines(), bytearray()
    for group in request.resource_spans:
        for scope_spans in group.scope_spans:
            one = ResourceSpans(resource=group.resource, schema_url=group.schema_url)
            scope = one.scope_spans.add(scope=scope_spans.scope, schema_url=scope_spans.schema_url)
            for span in scope_spans.spans:
                if not (_is_id(span.trace_id, _TRACE_ID_BYTES) and _is_id(span.span_id, _SPAN_ID_BYTES)):
                    lines.rejected["spans have no valid trace_id (16 bytes) and span_id (8 bytes), not all zero"] += 1
                elif lines.add(one, scope.spans, span):
                    ids += span.trace_id
    origins = bytes([Origin.LINE]) * len(lines.lines)
    return Records(SourceKind.OTLP_SPANS, lines.lines, bytes(ids), origins, {}, lines.rejected)


class _Lines:
    """Collects lines, equal ones numbered."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.rejected: Counter[str] = Counter()
        self._seen: Counter[bytes] = Counter()

    def add(self, one: Message, place: Any, record: LogRecord | Span) -> bool:
        """Add the record as a line of the message that has `place` for records; return whether it was taken."""
        del place[:]
        place.append(record)
        line = one.SerializeToString(deterministic=True)
        if len(line) > RECORD_BYTES_MAX:
            self.rejected[f"records need more than {RECORD_BYTES_MAX} bytes"] += 1
            return False
        self._seen[line] += 1
        if (number := self._seen[line]) > 1:
            line += _NUMBER_TAG + _varint(number)
        self.lines.append(line)
        return True


def chunks_of(records: Records, *, observed_ns: int) -> list[Chunk]:
    """Return the records as chunks that arrived at a time, ns UTC: the lines of a file that is this request.

    The file's identity is the hash of its content, so a request that is sent again is a file that is known.
    """
    digest = blake2b(digest_size=FILE_ID_BYTES, person=b"clew-otlp")
    digest.update(bytes([records.kind]))
    for line in records.lines:
        digest.update(len(line).to_bytes(4, "little"))
        digest.update(line)
    source = Source(file_id=digest.digest(), path="", host="", service="", kind=records.kind)
    chunks, start = [], 0
    for first, last in _cuts(records.lines):
        payload = b"".join(records.lines[first:last])
        chunks.append(
            Chunk(
                source=source,
                observed_ns=observed_ns,
                start=start,
                lengths=pack_u32([len(line) for line in records.lines[first:last]]),
                payload=payload,
                ids=records.ids[_TRACE_ID_BYTES * first : _TRACE_ID_BYTES * last],
                origins=records.origins[first:last],
                aliases={i - first: names for i, names in records.aliases.items() if first <= i < last},
            )
        )
        start += len(payload)
    return chunks


def _cuts(lines: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield `(first, last + 1)` of the chunks."""
    first = size = 0
    for number, line in enumerate(lines):
        if number > first and (size + len(line) > CHUNK_PAYLOAD_BYTES or number - first >= CHUNK_LINES_MAX):
            yield first, number
            first, size = number, 0
        size += len(line)
    if lines:
        yield first, len(lines)


def _is_id(value: bytes, size: int) -> bool:
    return len(value) == size and any(value)


def _text_of(record: LogRecord) -> bytes:
    """Return the record as a line of JSON, for the stamper; it has no newline in it."""
    body = plain_value(record.body)
    fields = body if isinstance(body, dict) else {"body": body}
    return _encode({**fields, **fields_of(record.attributes)})


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
