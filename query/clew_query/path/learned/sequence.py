"""A transaction as the model sees it: who wrote which kind of line, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clew_collector.event import Event

from .lateness import Correction, corrected_times
from .templates import Templates

__all__ = ["STREAMS_MAX", "Trail", "make_trail"]

STREAMS_MAX = 8
"""Instances of one service that are told apart within a transaction; more share the last number."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The lines of one transaction in order; equal trails are decoded once."""

    streams: tuple[int, ...]
    """For each line its writer: the service's number times STREAMS_MAX plus the instance's within the transaction."""
    kinds: tuple[int, ...]
    """For each line its kind."""

    def __len__(self) -> int:
        return len(self.kinds)


def make_trail(
    events: Sequence[Event], templates: Templates, services: Mapping[str, int], correction: Correction
) -> tuple[Trail, list[int]]:
    """Return the trail of a transaction's lines, and which line stands at each place of it."""
    times = corrected_times(events, correction)
    order = sorted(range(len(events)), key=lambda n: (times[n], events[n].event_id))
    numbers = dict(services)
    instances: dict[str, dict[tuple[str, str], int]] = {}
    streams: list[int] = []
    for n in order:
        event = events[n]
        service = numbers.setdefault(event.service, len(numbers))
        known = instances.setdefault(event.service, {})
        instance = known.setdefault((event.instance, event.host), len(known))
        streams.append(service * STREAMS_MAX + min(instance, STREAMS_MAX - 1))
    kinds = templates.kinds([events[n] for n in order])
    return Trail(tuple(streams), tuple(kinds)), order
