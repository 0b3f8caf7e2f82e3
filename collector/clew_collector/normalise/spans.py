"""Span ids, in the notations of those who write them: 16 lower-case hex digits, never all zeros."""

from __future__ import annotations

import re
from typing import Any

from .reading import Reading

__all__ = ["find_spans", "span_of_decimal", "span_of_hex", "span_of_traceparent", "take_leading_ids"]

_HEX = re.compile(r"[0-9A-Fa-f]{16}", re.ASCII)
_NO_SPAN = "0" * 16
_SPANS = 1 << 64
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-([0-9a-f]{16})-[0-9a-f]{2}.{0,400}", re.ASCII)

# `SpanID: b959018f709a6ffe`, `span_id=...`, `"spanId":"..."`, `parentSpanId: ...`, Datadog's decimal ones; in all of
# them is `pan` or `PAN`.
_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(parent[_.\- ]?|x-b3-|x-b3-parent)?span[_.\- ]?id"
    r"[\"']?\s?[:=]\s?[\"']?([0-9a-f]{16}|[0-9]{17,20})(?![0-9a-z])",
    re.IGNORECASE | re.ASCII,
)
_NAMED_TRACEPARENT = re.compile(
    r"traceparent[\"']?\s?[:=]\s?[\"']?([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?![\w-])",
    re.ASCII | re.IGNORECASE,
)
# Brave, Spring Cloud Sleuth: [service,trace,span,exportable]; Spring Boot 3: [service,trace,span], [trace-span]
_BRAVE = re.compile(
    r"\[(?:[\w.-]{0,100},\s?(?:[0-9a-f]{32}|[0-9a-f]{16}),\s?|[0-9a-f]{32}-)([0-9a-f]{16})(?:,\s?(?:true|false)?)?\]",
    re.ASCII,
)
# What loggers' patterns put in front of the message: `TraceID: <32 hex> SpanID: <16 hex> `, or the first of them alone.
_LEADING = re.compile(
    r"[Tt]race[_.-]?[Ii][Dd][:=]\s?([0-9a-f]{32})(?:[ ,]{1,2}[Ss]pan[_.-]?[Ii][Dd][:=]\s?([0-9a-f]{16}))?(?:\s+|$)",
    re.ASCII,
)
# The calling hop, as `clew_agent.instrument` writes it.
_CALLER_HOP = re.compile(r"(?<![\w.])caller_hop=([0-9a-f]{16})(?!\w)", re.ASCII)
# Ids stand near the front of a line; a line of megabytes is not searched to its end.
_SEARCHED_CHARACTERS_MAX = 16_384


def span_of_hex(value: Any) -> str:
    """Return the span id of 16 hex digits, empty if the value is anything else."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        return ""
    span = value.lower()
    return "" if span == _NO_SPAN else span


def span_of_decimal(value: Any) -> str:
    """Return the span id of an unsigned 64-bit number (Datadog), as number or text; empty if it is none."""
    if isinstance(value, str) and value.isdigit() and value.isascii() and len(value) <= 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _SPANS:
        return ""
    return f"{value:016x}"


def span_of_traceparent(value: Any) -> str:
    """Return the span that a W3C `traceparent` names, which is its sender's; empty if the value is none."""
    if not isinstance(value, str) or not (found := _TRACEPARENT.fullmatch(value)):
        return ""
    return "" if found[1] == _NO_SPAN else found[1]


def take_leading_ids(reading: Reading, transaction_id: str) -> None:
    """Take the span id that the body begins with; the ids leave the body if the event carries them as fields.

    A body that is nothing but a trace id keeps it.
    """
    body = reading.body
    if body[:1] not in "Tt":
        return
    found = _LEADING.match(body)
    if found is None:
        return
    trace, span = found.groups()
    message = body[found.end() :]
    if span and span != _NO_SPAN and not reading.span_id:
        reading.span_id = span
    if trace == transaction_id and (span == reading.span_id or (span is None and message)):
        reading.body = message


def find_spans(reading: Reading, text: str) -> None:
    """Set the span ids that a text names, as far as the reading has none yet. A mentioned trace id alone is no span."""
    if "pan" in text or "PAN" in text:
        for found in _NAMED.finditer(text, 0, _SEARCHED_CHARACTERS_MAX):
            span = span_of_hex(found[2]) or span_of_decimal(found[2])
            if found[1] and "parent" in found[1].lower():
                reading.parent_span_id = reading.parent_span_id or span
            else:
                reading.span_id = reading.span_id or span
    if not reading.span_id and "[" in text and (brave := _BRAVE.search(text, 0, _SEARCHED_CHARACTERS_MAX)):
        reading.span_id = span_of_hex(brave[1])
    if "caller_hop=" in text and (hop := _CALLER_HOP.search(text, 0, _SEARCHED_CHARACTERS_MAX)):
        reading.attributes.setdefault("caller_hop", hop[1])
    if "raceparent" in text and not reading.parent_span_id:
        header = _NAMED_TRACEPARENT.search(text, 0, _SEARCHED_CHARACTERS_MAX)
        caller = span_of_traceparent(header[1].lower()) if header else ""
        if caller != reading.span_id:
            reading.parent_span_id = caller
