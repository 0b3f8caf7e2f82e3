"""Layouts: how lines of text are built, as data. A row is a pattern whose group names are the meaning of its parts.

A line is read in two steps: the clock that it begins with (`clocks.py`), then what follows, by the first row of
`tails.py` that holds. Lines that do not begin with a clock are read whole, by the first row of `whole_lines.py`.
So any clock goes with any tail, and a system nobody has seen before is likely to be known in parts.

Group names
    message     the body (a row without it: the whole text is)
    level       a severity word; the row holds only if it is one
    priority    a syslog PRI: facility * 8 + severity
    logger      attribute `logger`;  `thread` likewise
    time        the clock of a whole line
    rest        a line by itself: what was read in front of it is added to it
    structured  RFC 5424 structured data
and any name in `ATTRIBUTES`. A part that is absent, empty or `-` gives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "ATTRIBUTES",
    "DOTTED",
    "ISO",
    "LEVEL",
    "LOGGER",
    "MAIN_LEVELS",
    "MESSAGE",
    "NUMBERS",
    "QUOTED",
    "REQUEST",
    "THREAD",
    "UPPER",
    "Layout",
]

ATTRIBUTES = {
    "logger": "logger",
    "thread": "thread",
    "pid": "process.pid",
    "tid": "thread.id",
    "file": "code.file.path",
    "line": "code.line.number",
    "function": "code.function.name",
    "hostname": "hostname",
    "message_id": "syslog.msg_id",
    "client": "client.address",
    "client_port": "client.port",
    "user": "user.name",
    "method": "http.request.method",
    "path": "url.path",
    "query": "url.query",
    "protocol_version": "network.protocol.version",
    "status": "http.response.status_code",
    "bytes": "http.response.body.size",
    "referer": "http.request.header.referer",
    "agent": "user_agent.original",
    "connection": "connection.id",
    "request": "request.id",
    "code": "error.code",
    "node": "node",
}
"""Group name -> attribute key; OpenTelemetry's semantic conventions where they have a name."""

NUMBERS = frozenset({"pid", "tid", "line", "status", "bytes", "client_port", "connection"})
"""Groups whose digits become an integer."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A row. `examples` are lines (tails: without their clock) that it reads; their beginnings say when to try it."""

    name: str
    pattern: str
    examples: tuple[str, ...]
    begins: tuple[str, ...] = ()
    """Other beginnings that it has: only the kinds of some characters count, see `shapes.py`."""
    ends: str = ""
    """What a text must end with to be worth a try."""
    after: frozenset[str] = frozenset()
    """Only behind clocks of these names; empty: behind any."""
    levels: dict[str, int] = field(default_factory=dict)
    """Severity numbers of this layout's own level signs."""


# The parts that patterns are made of. Patterns are verbose, ASCII, and must cover the text to its end; repetitions are
# possessive where what follows cannot be part of them, so that a long line is walked once.
LEVEL = r"(?P<level>[A-Za-z]{3,13}+\d?)"
UPPER = r"(?P<level>[A-Z]{3,13}+\d?)"
# Tomcat's containers have brackets in their names: o.a.c.c.C.[.[.[/].[dispatcherServlet]
LOGGER = r"(?P<logger>[A-Za-z_$][\w.$/@-]{0,199}+(?:(?<=\.)\[[\w.$/\[\]-]{0,99}+)?)"
DOTTED = r"(?P<logger>[A-Za-z_$][\w$-]{0,99}(?:\.[\w$\[\]/<>-]{1,99}){1,30})"
THREAD = r"\[\s*(?P<thread>[^\]]{0,200}?)\s*\]"
MESSAGE = r"(?P<message>.*)"
QUOTED = r"[^\"\\]*+(?:\\.[^\"\\]*+)*+"
ISO = r"\d{4}[-/]\d\d[-/]\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\ ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
REQUEST = (
    r"\"(?:(?P<method>[A-Z]{3,16})\ (?P<path>[^\s?\"]*)(?:\?(?P<query>[^\s\"]*))?"
    rf"(?:\ HTTP/(?P<protocol_version>[\d.]{{1,3}}))?|{QUOTED})\""
)
MAIN_LEVELS = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|SEVERE"
