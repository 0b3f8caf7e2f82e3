"""From a chunk of raw lines to events."""

from __future__ import annotations

import re
from typing import Any

from clew_agent.wire import NO_TRANSACTION, Chunk, Origin, SourceKind, unpack_u32
from clew_collector.event import Event

from .attributes import add_objects
from .clocks import Calendar
from .envelope import Envelope, envelope_of_fields, open_cri, open_docker
from .json_lines import JsonReader
from .limits import Limits
from .logfmt import LogfmtReader
from .otlp import OtlpReader
from .reading import Reading
from .spans import find_spans, take_leading_ids
from .text_lines import TextReader
from .timestamps import utc_ns

__all__ = ["Normaliser"]

_ORIGINS = {origin.value: origin.label for origin in Origin}
_GENERATED = Origin.GENERATED.value
# Colours and cursor movements: ECMA-48 control sequences.
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]{0,32}[ -/]{0,4}[@-~]")
_BYTE_ORDER_MARK = "\ufeff"


class Normaliser:
    """Turns chunks into events. Holds compiled rules and nothing of the lines it has seen.

    An event depends on its line and the chunk's source alone, not on the lines around it; so lines that an agent cut
    into other chunks after a crash become the same events.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._json = JsonReader(self._limits)
        self._text = TextReader(logfmt=LogfmtReader(self._limits))
        self._otlp = OtlpReader(self._limits)

    def events(self, chunk: Chunk) -> list[Event]:
        """Return the chunk's events in file order, exactly one per line; never raises, whatever the bytes."""
        source = chunk.source
        if source.kind is not SourceKind.FILE:
            return self._otlp.events(chunk)
        calendar = Calendar(source.modified_ns or chunk.observed_ns)
        observed, path, host, service, instance = (
            chunk.observed_ns, source.path, source.host, source.service, source.instance,
        )  # fmt: skip
        file = source.file_id.hex()
        payload, all_aliases, origins = chunk.payload, chunk.aliases, chunk.origins or bytes(chunk.count)
        lengths = unpack_u32(chunk.lengths)
        sizes = unpack_u32(chunk.sizes) if chunk.sizes else lengths
        ids = chunk.ids.hex() if chunk.ids else NO_TRANSACTION * chunk.count
        events: list[Event] = []
        begin = 0
        for i, (offset, length, size) in enumerate(zip(chunk.line_offsets(), lengths, sizes, strict=True)):
            raw = payload[begin : begin + size]
            begin += size
            terminated = raw[-1:] == b"\n"
            if terminated:
                raw = raw[:-2] if raw[-2:] == b"\r\n" else raw[:-1]
            event_id = f"{file}{offset:012x}"
            origin = origins[i]
            transaction_id = event_id if origin == _GENERATED else ids[32 * i : 32 * i + 32]
            reading = self._read(raw, transaction_id, calendar)
            if i in chunk.cut:
                reading.attributes["clew.cut_bytes"] = chunk.cut[i]
            if not terminated:
                reading.attributes["log.record.unterminated"] = True
            for key, value in source.resource.items():
                reading.attributes[key if key not in reading.attributes else f"resource.{key}"] = value
            if reading.dropped:
                reading.attributes["clew.attributes_dropped"] = reading.dropped
            events.append(
                Event(
                    event_id=event_id,
                    timestamp=reading.timestamp,
                    observed_timestamp=observed,
                    severity_number=reading.severity_number,
                    severity_text=reading.severity_text,
                    service=service,
                    instance=instance,
                    host=host,
                    source=path,
                    offset=offset,
                    length=length,
                    transaction_id=transaction_id,
                    transaction_origin=_ORIGINS[origin],
                    aliases=all_aliases.get(i, ()),
                    span_id=reading.span_id,
                    parent_span_id=reading.parent_span_id,
                    body=reading.body,
                    attributes=reading.attributes,
                    original=raw,
                )
            )
        return events

    def _read(self, raw: bytes, transaction_id: str, calendar: Calendar) -> Reading:
        """Return what the line says."""
        if raw[:8] == b'{"log":"' and (envelope := open_docker(raw)):
            return self._read_enclosed(envelope, transaction_id, calendar)
        text = _clean(raw.decode("utf-8", "replace"))
        if text[:1] == "{" or text[:1].isspace():
            fields = self._json.decode(text) if text.lstrip()[:1] == "{" else None
            if fields is not None:
                if envelope := envelope_of_fields(fields):
                    return self._read_enclosed(envelope, transaction_id, calendar)
                reading = Reading("")
                self._read_fields(reading, fields, text, calendar)
                return _with_spans(reading, transaction_id, reading.body)
        elif text[4:5] == "-" and text[10:11] == "T" and (envelope := open_cri(text)):
            return self._read_enclosed(envelope, transaction_id, calendar)
        reading = Reading("")
        self._text.read(reading, text, calendar)
        if reading.time_of_day:
            reading.attributes["clew.time_of_day"] = reading.time_of_day
        return _with_spans(reading, transaction_id, text)

    def _read_enclosed(self, envelope: Envelope, transaction_id: str, calendar: Calendar) -> Reading:
        """Return what the enclosed line says; the runtime's time counts, unless the line's own is a point in time."""
        reading = Reading("")
        reading.attributes["log.iostream"] = envelope.stream
        if envelope.attributes:
            add_objects(reading, {"attrs": envelope.attributes}, self._limits)
        if envelope.partial:
            reading.attributes["log.partial"] = True
        if envelope.torn_bytes:
            reading.attributes["clew.torn_bytes"] = envelope.torn_bytes
        text = _clean(envelope.text)
        fields: dict[str, Any] | None = self._json.decode(text) if text[:1] == "{" else None
        if fields is not None:
            self._read_fields(reading, fields, text, calendar)
        else:
            self._text.read(reading, text, calendar)
        if not reading.zoned:
            outer = utc_ns(envelope.time)
            if outer is None:
                outer, _ = self._text.moment(envelope.time, calendar)
            reading.timestamp = reading.timestamp if outer is None else outer
        return _with_spans(reading, transaction_id, reading.body if fields is not None else text)

    def _read_fields(self, reading: Reading, fields: dict[str, Any], text: str, calendar: Calendar) -> None:
        key = self._json.read(reading, fields, text, self._text.moment, calendar)
        if key == "log" and not reading.severity_number:
            # Collectors on Kubernetes put the program's line under `log`, beside what they know of the container.
            inner = Reading(reading.body)
            self._text.read(inner, _clean(reading.body).rstrip("\r\n"), calendar)
            reading.body = inner.body
            reading.severity_number, reading.severity_text = inner.severity_number, inner.severity_text
            if reading.timestamp is None:
                reading.timestamp, reading.zoned = inner.timestamp, inner.zoned
            for name, value in inner.attributes.items():
                reading.attributes.setdefault(name, value)


def _with_spans(reading: Reading, transaction_id: str, text: str) -> Reading:
    """Look for span ids in the body; in text in all of the line, as layouts take a bracket of ids for a thread."""
    take_leading_ids(reading, transaction_id)
    if not reading.span_id:
        find_spans(reading, text)
    return reading


def _clean(text: str) -> str:
    """Return the text without what is not said: colours, a byte order mark, the NULs of a hole in the file."""
    if "\x1b" in text:
        text = _CONTROL_SEQUENCE.sub("", text)
    if text[:1] in {_BYTE_ORDER_MARK, "\0"}:
        text = text.lstrip(_BYTE_ORDER_MARK + "\0")
    return text
