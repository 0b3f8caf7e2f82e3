"""Which keys of structured lines (JSON, logfmt) mean what, as data, and how they become an event's own fields.

Keys are compared without case and without `_`, `-` and `.`: `span_id`, `spanId`, `SpanID` and `span.id` are one name.
A key that became a field is no attribute any more; one that could not (a level that is none, a time that no clock has)
stays an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from .clocks import Calendar, Moment
from .reading import Reading
from .severity import severity_of_value
from .spans import span_of_decimal, span_of_hex, span_of_traceparent
from .timestamps import epoch_number_ns

__all__ = ["MomentOf", "promote_fields"]

MomentOf = Callable[[str, Calendar], Moment]


class _Role(NamedTuple):
    """What a key means; among several keys of one meaning the lowest rank is taken."""

    meaning: str
    rank: int
    detail: str = ""


def _ranked(meaning: str, names: str, detail: str = "", start: int = 0) -> dict[str, _Role]:
    return {name: _Role(meaning, rank, detail) for rank, name in enumerate(names.split(), start)}


_ROLES: dict[str, _Role] = {
    **_ranked("body", "message msg @m @message shortmessage event log body textpayload renderedmessage logmessage @mt"),
    # `strong`: a time whatever its value; `weak`: might as well be a duration, so a number must be a date after 1973
    **_ranked(
        "time",
        "@timestamp timestamp @t ts eventtime asctime timemillis timestampms timestampns timeunixnano"
        " realtimetimestamp",
        "strong",
    ),
    **_ranked("time", "time datetime date t$date timelocal timeiso8601 writtenat logtimestamp", "weak", start=20),
    **_ranked("level", "severitynumber", "otel"),
    **_ranked("level", "severitytext levelname level loglevel severity lvl @l logseverity", "word", start=1),
    **_ranked("level", "levelno", "python", start=20),
    **_ranked("level", "priority", "syslog", start=21),
    **_ranked("span", "spanid otelspanid opentelemetryspanid xb3spanid", "hex"),
    "logginggoogleapiscom/spanid": _Role("span", 5, "hex"),
    "ddspanid": _Role("span", 6, "decimal"),
    **_ranked("parent", "parentspanid xb3parentspanid spanparentid otelparentspanid", "hex"),
    "ddparentid": _Role("parent", 6, "decimal"),
    "parentid": _Role("parent", 7, "hex"),
    "traceparent": _Role("traceparent", 0),
    **_ranked("logger", "logger loggername loglogger"),
    **_ranked("thread", "thread threadname processthreadname"),
}
_SPAN_ROLES = {"spanid": _Role("span", 30, "hex"), "parentspanid": _Role("parent", 30, "hex")}
_ATTRIBUTE_MEANINGS = frozenset({"logger", "thread"})

_WEAK_EPOCH_MIN = 10**8
_REMEMBERED_MAX = 8_192
_remembered: dict[str, _Role | None] = {}
_UNSEEN = _Role("", 0)
_encoder = msgspec.json.Encoder()
_Found = dict[str, list[tuple[int, str, str]]]


def promote_fields(
    reading: Reading, fields: dict[str, Any], moment_of: MomentOf, calendar: Calendar, *, whole: str
) -> str:
    """Move what `reading.attributes` say of time, severity, body, spans, logger and thread to the reading's fields.

    `fields` is the decoded object: a body that is an object or a list is taken from there, as JSON text. Without any
    body it is `whole`, the line. Returns the key that the body came from, empty if none.
    """
    attributes = reading.attributes
    restored = _restore_dropped(reading, fields) if reading.dropped else ()
    found: _Found = {}
    for key in attributes:
        role = _remembered.get(key, _UNSEEN)
        if role is _UNSEEN:
            role = _role_of(key)
        if role is not None:
            found.setdefault(role.meaning, []).append((role.rank, key, role.detail))
    if "level" in found:
        _promote_level(reading, found["level"])
    if "time" in found:
        _promote_time(reading, found["time"], moment_of, calendar)
    if "span" in found or "parent" in found or "traceparent" in found:
        _promote_spans(reading, found)
    for name in ("logger", "thread"):
        if name in found:
            _rename(attributes, min(found[name])[1], name)
    body_key = _promote_body(reading, found.get("body", []), fields, whole)
    for key in restored:
        if attributes.pop(key, None) is not None:
            reading.dropped += 1
    return body_key


def _restore_dropped(reading: Reading, fields: dict[str, Any]) -> list[str]:
    """Put back what the limits on attributes left out, though it may be a field, which has no limit."""
    keys = [
        key
        for key, value in fields.items()
        if key not in reading.attributes
        and isinstance(value, str | int | float)
        and (role := _role_of(key))
        and role.meaning not in _ATTRIBUTE_MEANINGS
    ]
    for key in keys:
        reading.attributes[key] = fields[key]
        reading.dropped -= 1
    return keys


def _role_of(key: str) -> _Role | None:
    name = key.lower().replace("_", "").replace("-", "").replace(".", "") if len(key) <= 64 else ""
    # An id may stand in a context map: mdc.spanId, context.span_id.
    role = _ROLES.get(name) or _SPAN_ROLES.get(key.rpartition(".")[2].lower().replace("_", ""))
    if len(_remembered) >= _REMEMBERED_MAX:
        _remembered.clear()
    _remembered[key] = role
    return role


def _promote_level(reading: Reading, found: list[tuple[int, str, str]]) -> None:
    attributes = reading.attributes
    for _, key, scale in sorted(found):
        value = attributes[key]
        number = severity_of_value(scale, value)
        if not number and not (reading.severity_number and scale == "word" and isinstance(value, str)):
            continue
        reading.severity_number = reading.severity_number or number
        del attributes[key]
        # The number says how severe, a word beside it how the logger calls it.
        if scale != "otel":
            reading.severity_text = str(value)
            return


def _promote_time(reading: Reading, found: list[tuple[int, str, str]], moment_of: MomentOf, calendar: Calendar) -> None:
    attributes = reading.attributes
    for _, key, strength in sorted(found):
        value = attributes[key]
        at, zoned = _moment(value, strength, moment_of, calendar)
        if at is not None:
            reading.timestamp, reading.zoned = at, zoned
            del attributes[key]
            return


def _moment(value: Any, strength: str, moment_of: MomentOf, calendar: Calendar) -> Moment:
    if isinstance(value, str):
        return moment_of(value, calendar)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, False
    if strength == "weak" and value < _WEAK_EPOCH_MIN:
        return None, False
    at = epoch_number_ns(value)
    return at, at is not None


def _promote_spans(reading: Reading, found: _Found) -> None:
    """Set the span ids. A `traceparent` names the caller's span (W3C Trace Context, section 3.2.2.4: parent-id).

    So it gives a parent, never the line's own span; and nothing if the line's own span is the one it names, as in a
    caller that logs what it sends.
    """
    attributes = reading.attributes
    for meaning, field in (("span", "span_id"), ("parent", "parent_span_id")):
        for _, key, notation in sorted(found.get(meaning, [])):
            read = span_of_decimal if notation == "decimal" else span_of_hex
            if span := read(attributes[key]):
                # A bare `parent_id` may be anything's; beside a span it is the span's.
                if key.lower().replace("_", "") == "parentid" and not reading.span_id:
                    continue
                setattr(reading, field, span)
                del attributes[key]
                break
    if not reading.parent_span_id and "traceparent" in found:
        caller = span_of_traceparent(attributes[found["traceparent"][0][1]])
        if caller != reading.span_id:
            reading.parent_span_id = caller


def _promote_body(reading: Reading, found: list[tuple[int, str, str]], fields: dict[str, Any], whole: str) -> str:
    attributes = reading.attributes
    for _, key, _ in sorted(found):
        value = attributes[key]
        if isinstance(value, str) and value:
            original = fields.get(key)
            if isinstance(original, str | int | float) or original is None:
                del attributes[key]
            reading.body = value
            return key
    for _, key, _ in sorted(found):
        value = attributes[key]
        if value is not None and value != "":
            reading.body = _encoder.encode(value).decode()
            return key
    for key, value in fields.items():
        if isinstance(value, dict) and value and (role := _role_of(key)) and role.meaning == "body":
            reading.body = _encoder.encode(value).decode()
            return key
    reading.body = whole
    return ""


def _rename(attributes: dict[str, Any], key: str, name: str) -> None:
    if key != name:
        attributes[name] = attributes.pop(key)
