"""Calls that are seen from one side only: a client's span names whom it calls, and nothing was heard from there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from clew_collector.event import Event

from .spans import ENTRY, EXIT, SpanTable

__all__ = ["Unheard", "find_unheard", "peer_of"]

_CALLEES = ("peer.service", "db.system.name", "db.system", "server.address", "net.peer.name", "http.host")
"""OpenTelemetry's semantic conventions, new and old names, the one that tells a service apart first."""
_DESTINATIONS = ("messaging.destination.name", "messaging.destination")


@dataclass(frozen=True, slots=True)
class Unheard:
    """Somebody who is known from the other side's spans only; those of one invocation are one."""

    group: int
    """The invocation whose spans name it."""
    peer: str
    calls: int
    start: int
    end: int
    caller: bool
    """It called the invocation; else it was called by it."""
    waited: bool
    errors: int


def peer_of(event: Event) -> str:
    """Return the service on the other side of a span as its attributes name it, empty where they do not."""
    attributes = event.attributes
    if event.kind in {"server", "consumer"}:
        return _text(attributes.get("peer.service"))
    if event.kind == "producer":
        broker = _text(attributes.get("messaging.system"))
        destination = next((name for key in _DESTINATIONS if (name := _text(attributes.get(key)))), "")
        if broker or destination:
            return f"{broker}:{destination}" if broker and destination else broker or destination
    return next((name for key in _CALLEES if (name := _text(attributes.get(key)))), "")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def find_unheard(
    events: Sequence[Event],
    table: SpanTable,
    group: Sequence[int],
    claimed: Collection[int],
    called: Collection[int],
) -> list[Unheard]:
    """Return whom spans name and nothing was heard of. `called`: invocations whose caller is known."""
    found: dict[tuple[int, str, bool], Unheard] = {}
    for index, span in enumerate(table.of_event):
        event = events[index]
        if not event.kind or event.duration is None or span in claimed:
            continue
        g, side = group[span], table.side[span]
        if side not in {EXIT, ENTRY} or (side == ENTRY and (g in called or table.parents[span])):
            continue
        peer = peer_of(event)
        if not peer:
            continue
        key = (g, peer, side == ENTRY)
        known = found.get(key)
        failed = int(event.status == "error")
        if known is None:
            found[key] = Unheard(
                g, peer, 1, event.time, event.end, side == ENTRY, event.kind not in {"producer", "consumer"}, failed
            )
        else:
            found[key] = Unheard(
                g, peer, known.calls + 1, min(known.start, event.time), max(known.end, event.end), known.caller,
                known.waited, known.errors + failed,
            )  # fmt: skip
    return list(found.values())
