"""An event: one log line or one span, normalised. Names follow the OpenTelemetry data model."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

__all__ = ["Event", "Link", "Severity", "severity_class"]


class Severity(IntEnum):
    """The first number of each of OpenTelemetry's severity ranges (log data model, SeverityNumber)."""

    UNSPECIFIED = 0
    TRACE = 1
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21


def severity_class(number: int) -> str:
    """Return the range's name in lower case, `unspecified` for 0: 17..20 -> `error`."""
    if not 1 <= number <= 24:
        return "unspecified"
    return Severity((number - 1) // 4 * 4 + 1).name.lower()


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Another span that this one has to do with, in this transaction or another."""

    transaction_id: str
    span_id: str


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One line, or a span. Times are ns UTC; ids are lower-case hex. Its place in every order is `(time, event_id)`.

    Stores keep it as an array: a new field goes to the end, with a default.
    """

    event_id: str
    timestamp: int | None = None
    """The line's own time; None where it has none."""
    observed_timestamp: int
    severity_number: int = 0
    severity_text: str = ""
    service: str
    instance: str = ""
    host: str
    source: str
    """The file's path on its host; empty where the event did not come from a file (OTLP)."""
    offset: int
    length: int
    """Bytes it took in the file, terminator included; lengths of a file's events sum to the file."""
    transaction_id: str
    transaction_origin: str
    aliases: tuple[str, ...] = ()
    span_id: str = ""
    parent_span_id: str = ""
    duration: int | None = None
    """How long a span lasted, ns; None where the event is no span. Then `time` is when it began."""
    kind: str = ""
    """A span's kind: `internal`, `server`, `client`, `producer`, `consumer`, or empty."""
    status: str = ""
    """A span's status: `ok`, `error`, or empty where it was not set."""
    links: tuple[Link, ...] = ()
    body: str = ""
    attributes: dict[str, Any] = {}
    """Flat: dotted keys, values str, int, float, bool or None (nested input is flattened, lists become JSON text)."""
    original: bytes = b""
    """The line as it stood in the file, without its terminator."""

    @property
    def time(self) -> int:
        """What order, ranges and days use: the line's own time, else when it was read."""
        return self.observed_timestamp if self.timestamp is None else self.timestamp

    @property
    def file_id(self) -> str:
        """The identity of the file's content, 20 hex digits; empty where the event did not come from a file."""
        return self.event_id[:20] if self.source else ""

    @property
    def end(self) -> int:
        """When it was over: a span's end, a line's time."""
        return self.time + self.duration if self.duration else self.time

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id that finds this event: transaction, aliases, spans."""
        return tuple(
            dict.fromkeys(i for i in (self.transaction_id, *self.aliases, self.span_id, self.parent_span_id) if i)
        )
