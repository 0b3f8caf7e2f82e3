"""From a message of a topic to events, in whatever form somebody else wrote it. Pure: no Kafka here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from time import gmtime, strftime
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew_agent.stamp.settings import StampSettings
from clew_agent.stamp.stamper import Stamper
from clew_agent.stamp.text import Text
from clew_agent.wire import FILE_ID_BYTES, Chunk, Source, pack_u32
from clew_collector.errors import MessageError
from clew_collector.event import Event
from clew_collector.normalise import Normaliser
from clew_collector.normalise.attributes import add_objects
from clew_collector.normalise.clocks import Calendar
from clew_collector.normalise.limits import Limits
from clew_collector.normalise.logfmt import LogfmtReader
from clew_collector.normalise.reading import Reading
from clew_collector.normalise.text_lines import TextReader
from clew_collector.normalise.timestamps import epoch_number_ns
from clew_collector.otlp import chunks_of, take_logs, take_spans
from clew_collector.otlp.json_form import NotOtlpJson, decode_json

from .form import Form
from .shapes import Shipped, unwrap

__all__ = ["Decoded", "ForeignDecoder", "Message"]

DOCUMENTS_MAX = 65_536
"""Objects in one message."""
_OFFSET_MAX = (1 << 48) - 1
_STREAMS = frozenset({"stdout", "stderr"})
_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its place, which makes the ids of its lines: read again, they are the same events."""

    topic: str
    partition: int
    offset: int
    timestamp_ns: int
    """When it was written, ns UTC: the observed time of its lines."""
    value: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message's events, in order, and why further records in it cannot be kept (empty if there are none).

    The message then belongs into the dead letters as well.
    """

    events: list[Event]
    rejected: str = ""


class ForeignDecoder:
    """Makes events of messages. The same message gives the same events.

    Records of OTLP have ids of their own (docs/adr/0007-otlp-records-are-lines.md), so one that its sender wrote twice
    is one event. A JSON or text message is a line of the "file" that is its partition, at its offset; if it holds
    several, each further one is a line of a file of its own. Such files count messages, not bytes: each line takes 1.
    """

    def __init__(
        self, normaliser: Normaliser, *, stamp: StampSettings | None = None, limits: Limits | None = None
    ) -> None:
        self._normaliser = normaliser
        self._stamper = Stamper(stamp or StampSettings())
        self._limits = limits or Limits()
        self._text = TextReader(logfmt=LogfmtReader(self._limits))

    def decode(self, message: Message, form: Form) -> Decoded:
        """Return the message's events; none of an empty message. MessageError if it is not of that form."""
        if not message.value:
            return Decoded([])
        if not 0 <= message.offset <= _OFFSET_MAX:
            raise MessageError(f"the offset {message.offset} of the message is beyond what an event id can say")
        match form:
            case Form.OTLP_LOGS | Form.OTLP_TRACES:
                return self._otlp(message, form)
            case Form.JSON:
                return Decoded([self._shipped(message, i, found) for i, found in enumerate(_documents(message.value))])
            case Form.TEXT:
                line = message.value.rstrip(b"\r\n")
                shipped = Shipped("", "", "", "", "", line.decode("utf-8", "replace"), None, {})
                return Decoded([self._line(message, 0, shipped, line)])

    def _otlp(self, message: Message, form: Form) -> Decoded:
        kind = ExportLogsServiceRequest if form is Form.OTLP_LOGS else ExportTraceServiceRequest
        try:
            # Protobuf of these messages begins with the tag of its first field, which is a newline (0x0A).
            json = message.value[:1] == b"{"
            request: Any = decode_json(message.value, kind) if json else kind.FromString(message.value)
        except (DecodeError, NotOtlpJson) as error:
            raise MessageError(f"the message is no {form} of OTLP: {error}") from error
        records = take_logs(request, self._stamper) if form is Form.OTLP_LOGS else take_spans(request)
        chunks = chunks_of(records, observed_ns=message.timestamp_ns)
        return Decoded(
            [event for chunk in chunks for event in self._normaliser.events(chunk)],
            "; ".join(f"{count} {why}" for why, count in records.rejected.items()),
        )

    def _shipped(self, message: Message, index: int, document: dict[str, Any]) -> Event:
        shipped = unwrap(document)
        raw = _encode(document)
        if shipped.line is not None:
            return self._line(message, index, shipped, raw)
        (event,) = self._normaliser.events(self._chunk(message, index, shipped, _encode(shipped.fields), raw))
        return msgspec.structs.replace(event, original=raw, length=1)

    def _line(self, message: Message, index: int, shipped: Shipped, raw: bytes) -> Event:
        """Return the event of a line that is as the program wrote it, with what its shipper knows beside it."""
        assert shipped.line is not None
        line = shipped.line.rstrip("\r\n")
        original = line.encode("utf-8", "replace")
        time = self._time_of(shipped.time, message)
        payload = original
        if shipped.stream in _STREAMS and time is not None:
            # As Docker writes it: then the runtime's time counts where the line's own has no zone.
            payload = _encode({"log": line, "stream": shipped.stream, "time": _rfc3339(time)})
        (event,) = self._normaliser.events(self._chunk(message, index, shipped, payload, raw))
        beside = Reading("")
        add_objects(beside, shipped.fields, self._limits)
        attributes = {**beside.attributes, **event.attributes}
        if beside.dropped:
            attributes["clew.attributes_dropped"] = beside.dropped + attributes.get("clew.attributes_dropped", 0)
        return msgspec.structs.replace(
            event,
            timestamp=time if event.timestamp is None else event.timestamp,
            attributes=attributes,
            length=1,
            original=original,
        )

    def _time_of(self, written: Any, message: Message) -> int | None:
        if isinstance(written, str):
            return self._text.moment(written, Calendar(message.timestamp_ns))[0]
        return None if written is None or isinstance(written, bool) else epoch_number_ns(written)

    def _chunk(self, message: Message, index: int, shipped: Shipped, line: bytes, raw: bytes) -> Chunk:
        """Return the chunk of one line, stamped by all that the message says (`raw`, which has no newline)."""
        stamps = self._stamper.stamp(Text(raw.replace(b"\n", b" ")))
        place = f"{message.topic}\0{message.partition}\0{index}".encode()
        return Chunk(
            source=Source(
                file_id=blake2b(place, digest_size=FILE_ID_BYTES, person=b"clew-topic").digest(),
                path=shipped.path or f"kafka:{message.topic}/{message.partition}",
                host=shipped.host,
                service=shipped.service or message.topic,
                instance=shipped.instance,
                modified_ns=message.timestamp_ns,
            ),
            observed_ns=message.timestamp_ns,
            start=message.offset,
            lengths=pack_u32([len(line) or 1]),
            payload=line or b"\n",
            ids=stamps.ids,
            origins=stamps.origins,
            aliases=stamps.aliases,
        )


def _documents(value: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a message; MessageError if it holds anything else."""
    for document in _decoded(value):
        if not isinstance(document, dict):
            raise MessageError("the message is JSON, but no object")
        yield document


def _decoded(value: bytes) -> list[Any]:
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        try:
            decoded = _lines.decode_lines(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise MessageError(f"the message is not JSON: {error}") from error
    documents = decoded if isinstance(decoded, list) else [decoded]
    if len(documents) > DOCUMENTS_MAX:
        raise MessageError(f"the message holds {len(documents)} objects, at most {DOCUMENTS_MAX} are taken")
    return documents


def _rfc3339(time_ns: int) -> str:
    seconds, nanoseconds = divmod(time_ns, 10**9)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{nanoseconds:09d}Z"
