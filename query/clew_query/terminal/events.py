"""Events on a terminal, one a line: when, how bad, of which transaction, who, where, what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from clew_agent.console import one_line
from clew_collector.event import severity_class

__all__ = ["SEVERITY_STYLES", "draw_event", "one_line"]

SEVERITY_STYLES = {
    "trace": "dim",
    "debug": "dim",
    "info": "green",
    "warn": "yellow",
    "error": "bold red",
    "fatal": "bold white on red",
    "unspecified": "dim",
}
ID_DIGITS = 8


def draw_event(event: Mapping[str, Any]) -> Text:
    """Return the event (its JSON form) as a line; a generated transaction id says nothing and is left out."""
    severity = severity_class(event["severity_number"])
    word = "-" if severity == "unspecified" else severity.upper()
    name = "" if event["transaction_origin"] == "generated" else event["transaction_id"][:ID_DIGITS]
    return Text.assemble(
        (f"{event['time'][:10]} {event['time'][11:23]} ", "dim"),
        (f"{word:5} ", SEVERITY_STYLES[severity]),
        (f"{name:{ID_DIGITS}} ", "magenta"),
        (one_line(event["service"]), "cyan"),
        (f"@{one_line(event['host'])} ", "dim"),
        one_line(event["body"] or event["original"]),
    )
