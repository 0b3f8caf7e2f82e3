"""Which events a store takes, and in what form: hostile values are dealt with before an engine sees them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from clew_collector.event import Event, Link

__all__ = ["INT64_MAX", "INT64_MIN", "OFFSET_MAX", "admit"]

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
# An event id has 48 bits for the offset (clew_agent.wire.event_id).
OFFSET_MAX = (1 << 48) - 1
SEVERITY_MAX = 24

_EVENT_ID = re.compile(r"[0-9a-f]{32}")


def admit(event: Event) -> Event | None:
    """Return the event as a store can keep it, the same object if nothing is wrong; None if it has no place in a file.

    Lone surrogates become U+FFFD; a time that does not fit 64 bits of nanoseconds (1677 to 2262) is no time, a
    severity or duration that cannot be is none, and an attribute that is no text, number or truth becomes text.
    `original` is kept as it is, so nothing is lost.
    """
    if not _EVENT_ID.fullmatch(event.event_id) or not (
        0 <= event.offset <= OFFSET_MAX and 0 <= event.length <= INT64_MAX
    ):
        return None
    changes: dict[str, Any] = {}
    if event.timestamp is not None and not INT64_MIN <= event.timestamp <= INT64_MAX:
        changes["timestamp"] = None
    if not INT64_MIN <= event.observed_timestamp <= INT64_MAX:
        changes["observed_timestamp"] = max(INT64_MIN, min(INT64_MAX, event.observed_timestamp))
    if not 0 <= event.severity_number <= SEVERITY_MAX:
        changes["severity_number"] = 0
    if event.duration is not None and not 0 <= event.duration <= INT64_MAX:
        changes["duration"] = None
    if event.links and not all(_is_unicode(link.transaction_id + link.span_id) for link in event.links):
        changes["links"] = tuple(Link(_unicode(link.transaction_id), _unicode(link.span_id)) for link in event.links)
    if not _texts_are_unicode(event):
        changes |= {name: _unicode(getattr(event, name)) for name in _TEXTS}
        changes["aliases"] = tuple(map(_unicode, event.aliases))
    if not _are_plain(event.attributes):
        changes["attributes"] = {_unicode(key): _plain(value) for key, value in event.attributes.items()}
    return msgspec.structs.replace(event, **changes) if changes else event


_TEXTS = (
    "severity_text", "service", "instance", "host", "source", "transaction_id", "transaction_origin", "span_id",
    "parent_span_id", "kind", "status", "body",
)  # fmt: skip


def _texts_are_unicode(event: Event) -> bool:
    # One text, as asking each one costs more than joining them: this runs for every line.
    return _is_unicode(
        "".join(
            (
                event.body, event.service, event.host, event.source, event.instance, event.severity_text,
                event.transaction_id, event.transaction_origin, event.span_id, event.parent_span_id, event.kind,
                event.status, *event.aliases,
            )
        )
    )  # fmt: skip


def _is_unicode(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _unicode(text: str) -> str:
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _are_plain(attributes: dict[str, Any]) -> bool:
    for key, value in attributes.items():
        if not (key.isascii() or _is_unicode(key)) or not _is_plain(value):
            return False
    return True


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return value.isascii() or _is_unicode(value)
    if kind is int:
        return bool(INT64_MIN <= value <= INT64_MAX)
    return kind is float or kind is bool or value is None


def _plain(value: Any) -> Any:
    if _is_plain(value):
        return value
    if isinstance(value, int):
        # Python refuses to write very long decimals (CVE-2020-10735), never hexadecimals.
        return str(value) if value.bit_length() < 1024 else hex(value)
    if isinstance(value, str):
        return _unicode(value)
    try:
        return _unicode(msgspec.json.encode(value).decode())
    except (TypeError, ValueError, RecursionError):
        return f"({type(value).__name__})"
