"""A transaction as the API and the command line show it. The keys are a public surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clew_collector.event import Event
from clew_query.times import TimeTexts, format_time
from clew_query.view import event_json

from .build import build_path
from .clock import HostClock, Prior
from .collect import Collected
from .gaps import Around, Gap
from .inference import Inference
from .model import Call, Invocation, Path
from .why import why

__all__ = ["transaction_json"]


_NOTHING_MISSING = Around()


def transaction_json(
    collected: Collected,
    *,
    around: Around = _NOTHING_MISSING,
    inference: Inference | None = None,
    clocks: Mapping[str, Prior] | None = None,
) -> dict[str, Any]:
    """Return the transaction with its path as plain data; times are RFC 3339 with nine digits.

    `around` is what is missing, by the agents' ledgers; `clocks` is what
    they say of their hosts' clocks: times are corrected, raw times are as written. A host whose clock nothing says to
    be wrong has offset 0 and origin `none`. What the collection left out stands in the evidence of the first root.
    """
    path = build_path(collected.events, inference, clocks=clocks)
    of_event = {event.event_id: invocation.id for invocation in path.invocations for event in invocation.events}
    times = TimeTexts()
    hosts = dict.fromkeys(invocation.host for invocation in path.invocations if not invocation.placeholder)
    return {
        "transaction_id": collected.transaction_id,
        "aliases": list(collected.aliases),
        "total": collected.total,
        "returned": collected.returned,
        "truncated": collected.truncated,
        "invocations": [_invocation(invocation, times) for invocation in path.invocations],
        "calls": _calls(path, (*collected.notes, *around.notes)),
        "critical_path": [
            {
                "invocation": part.invocation,
                "start": times[part.start],
                "end": times[part.end],
                "root": part.root,
            }
            for part in path.critical_path
        ],
        "services": [
            {
                "service": time.service,
                "invocations": time.invocations,
                "self_time_ns": time.self_time,
                "critical_time_ns": time.critical_time,
            }
            for time in path.services
        ],
        "links": [
            {
                "invocation": link.invocation,
                "to": link.to,
                "transaction_id": link.transaction_id,
                "span_id": link.span_id,
            }
            for link in path.links
        ],
        "clock": [_clock(host, path.clocks.get(host)) for host in hosts],
        "gaps": [_gap(gap) for gap in around.gaps],
        "absent": [
            {
                "service": absent.service,
                "verdict": "not_called" if absent.heard else "not_heard",
                "reason": absent.reason,
            }
            for absent in around.absent
        ],
        "events": _events(collected.events, of_event, times),
    }


def _events(events: Sequence[Event], invocations: Mapping[str, str], times: TimeTexts) -> list[dict[str, Any]]:
    time_text = times.__getitem__
    shown = [event_json(event, time_text) for event in events]
    for row in shown:
        row["invocation"] = invocations[row["event_id"]]
    return shown


def _invocation(invocation: Invocation, times: TimeTexts) -> dict[str, Any]:
    start, end, offset = times[invocation.start], times[invocation.end], invocation.offset
    return {
        "id": invocation.id,
        "service": invocation.service,
        "instance": invocation.instance,
        "host": invocation.host,
        "start": start,
        "end": end,
        "raw_start": times[invocation.start + offset] if offset else start,
        "raw_end": times[invocation.end + offset] if offset else end,
        "events": len(invocation.events),
        "errors": invocation.errors,
        "span_ids": list(invocation.span_ids),
        "self_time_ns": invocation.self_time,
        "slack_ns": invocation.slack,
        "placeholder": invocation.placeholder or None,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "host": gap.host,
        "source": gap.source,
        "service": gap.service,
        "start": None if gap.start is None else format_time(gap.start),
        "end": None if gap.end is None else format_time(gap.end),
        "reason": gap.reason,
    }


def _clock(host: str, clock: HostClock | None) -> dict[str, Any]:
    clock = clock or HostClock(0, None, "none")
    return {
        "host": host,
        "offset_ns": clock.offset,
        "uncertainty_ns": clock.uncertainty,
        "origin": clock.origin,
    }


def _calls(path: Path, notes: Sequence[str]) -> list[dict[str, Any]]:
    calls = [_call(call) for call in path.calls]
    root = next((call for call in calls if call["parent"] is None), None)
    if root is not None:
        root["evidence"] += notes
    return calls


def _call(call: Call) -> dict[str, Any]:
    return {
        "parent": call.parent,
        "child": call.child,
        "from": call.from_service,
        "to": call.to_service,
        "kind": call.kind,
        "probability": call.probability,
        "evidence": list(call.evidence),
        "count": call.count,
        "why": why(call),
    }
