"""Lines that were stamped late: what a container's log driver notes is when it got the line, not when it was written.

Now and then a whole bunch comes tens of milliseconds late, with one time for all. Where a line says its own time of
day as well, both clocks differ by the same amount on all lines of a service on a host; what is beyond that is late.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from clew_collector.event import Event

__all__ = ["Correction", "corrected_times", "learn_lateness"]

LATE_MIN_NS = 2_000_000
"""A time of day in milliseconds tells no less."""
LATE_MAX_NS = 60_000_000_000
SAMPLES_MIN = 20
USUAL_QUANTILE = 0.2
CHARACTERS_MAX = 64

_CLOCK = re.compile(rb"(?<!\d)(\d\d):(\d\d):(\d\d)[.,](\d{3})")
_NS = 1_000_000_000
_ZONE_NS = 900 * _NS
"""Zones differ by quarters of an hour."""


def learn_lateness(events: Iterable[Event]) -> dict[str, float]:
    """Return for each service and host how much later than their own clock its lines are usually stamped, ns."""
    found: dict[str, list[int]] = {}
    for event in events:
        late = _behind(event)
        if late is not None:
            found.setdefault(_key(event), []).append(late)
    return {
        key: float(np.quantile(values, USUAL_QUANTILE))
        for key, values in sorted(found.items())
        if len(values) >= SAMPLES_MIN
    }


@dataclass(frozen=True, slots=True)
class Correction:
    """What puts lines into the order of what happened; all in ns, by host, or by service and host."""

    offsets: Mapping[str, float] = field(default_factory=dict)
    """How far each host's clock is ahead."""
    lateness: Mapping[str, float] = field(default_factory=dict)
    """How much later than their own clock lines are usually stamped."""


def corrected_times(events: Sequence[Event], correction: Correction) -> list[int]:
    """Return for each line when it was written, ns, by the clock that all hosts would share.

    What all lines of a host here differ by from their own clocks was corrected before; none of them is late for it.
    """
    late = _late(events, correction.lateness) if correction.lateness else {}
    return [
        event.time - round(correction.offsets.get(event.host, 0.0)) - late.get(at, 0) for at, event in enumerate(events)
    ]


def _late(events: Sequence[Event], lateness: Mapping[str, float]) -> dict[int, int]:
    """Return for the lines that are late by how much, ns."""
    behind: dict[int, float] = {}
    least: dict[str, float] = {}
    for at, event in enumerate(events):
        usual = lateness.get(_key(event))
        own = None if usual is None else _behind(event)
        if usual is not None and own is not None:
            behind[at] = own - usual
            least[event.host] = min(least.get(event.host, behind[at]), behind[at])
    late: dict[int, int] = {}
    for at, more in behind.items():
        moved = least[events[at].host]
        beyond = more - (moved if abs(moved) > LATE_MIN_NS else 0.0)
        if LATE_MIN_NS < beyond < LATE_MAX_NS:
            late[at] = round(beyond)
    return late


def _key(event: Event) -> str:
    return f"{event.service} {event.host}"


def _behind(event: Event) -> int | None:
    """Return the stamp minus the line's own time of day, modulo time zones; None if it says none."""
    match = _CLOCK.search(event.original, 0, CHARACTERS_MAX)
    if match is None:
        return None
    hour, minute, second, milli = map(int, match.groups())
    own = ((hour * 60 + minute) * 60 + second) * _NS + milli * 1_000_000
    difference = (event.time - own) % _ZONE_NS
    return difference - _ZONE_NS if difference > _ZONE_NS // 2 else difference
