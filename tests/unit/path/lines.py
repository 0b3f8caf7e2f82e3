"""Made-up lines of one transaction: who wrote what, how many milliseconds after the start."""

from __future__ import annotations

import hashlib
from typing import Any

from clew_collector.event import Event
from clew_query.path import Path, build_path

START = 1_674_981_729_000_000_000
TRANSACTION = "6f3cbf058c2765548a39ad724905d6a1"


def line(service: str, at_ms: float, body: str = "", **fields: Any) -> Event:
    """A line of the only instance of a service; its id follows from service and time unless given."""
    place = hashlib.sha256(f"{service} {at_ms} {body}".encode(errors="backslashreplace")).hexdigest()
    given: dict[str, Any] = {
        "event_id": place[:32],
        "timestamp": START + round(at_ms * 1_000_000),
        "observed_timestamp": START,
        "severity_number": 9,
        "severity_text": "INFO",
        "service": service,
        "host": f"host-of-{service}",
        "source": f"/var/log/{service}.log",
        "offset": 0,
        "length": len(body) + 1,
        "transaction_id": TRANSACTION,
        "transaction_origin": "line",
        "body": body or f"{service} works",
    }
    return Event(**{**given, **fields})


def span(
    service: str, name: str, parent: str = "", kind: str = "", at: tuple[float, float] = (0, 1), **fields: Any
) -> Event:
    """A span of a service, from when to when in milliseconds; ids are any text."""
    fields = {"span_id": name, "parent_span_id": parent, "kind": kind, "source": "", **fields}
    return line(service, at[0], f"span {name} {kind}", duration=round((at[1] - at[0]) * 1_000_000), **fields)


def tree(events: list[Event]) -> dict[str, str | None]:
    """The path as child -> parent, each named `service#n` in order of first lines."""
    return named(build_path(events))


def named(path: Path) -> dict[str, str | None]:
    names: dict[str, str] = {}
    seen: dict[str, int] = {}
    for invocation in path.invocations:
        seen[invocation.service] = seen.get(invocation.service, 0) + 1
        names[invocation.id] = f"{invocation.service or '?'}#{seen[invocation.service]}"
    return {names[call.child]: call.parent and names[call.parent] for call in path.calls}
