"""Facts by corrected clocks: what comes first is seen only when all hosts count the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from clew_collector.event import Event

from .clock import Exchange, Prior, Solution, solve_clocks
from .facts import Facts, read_facts

__all__ = ["Adjusted", "adjust"]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Facts whose events' times are by the reference clock, and what that took."""

    facts: Facts
    originals: Sequence[Event]
    """The events as given, in the order of the facts."""
    solution: Solution

    def offset(self, host: str) -> int:
        """Return how far the host's clock is ahead, ns."""
        clock = self.solution.clocks.get(host)
        return clock.offset if clock else 0


def adjust(events: Sequence[Event], priors: Mapping[str, Prior] | None = None) -> Adjusted:
    """Return the facts by corrected clocks.

    `priors`: what is known of clocks; only what is surely off counts, and what was found for all hosts together.
    """
    known = dict(priors or {})
    sure = {host: prior.offset if _counts(prior) else 0 for host, prior in known.items()}
    facts, originals = _read(events, sure)
    priors_used = {host: replace(prior, offset=sure[host]) for host, prior in known.items()}
    raw = [_raw(exchange, sure) for exchange in facts.exchanges]
    solution = solve_clocks(raw, _hosts(facts), priors_used)
    offsets = {host: clock.offset for host, clock in solution.clocks.items()}
    if any(offset != sure.get(host, 0) for host, offset in offsets.items()):
        facts, originals = _read(events, offsets)
    return Adjusted(facts, originals, solution)


def _counts(prior: Prior) -> bool:
    return prior.joint or abs(prior.offset) > prior.uncertainty


def _read(events: Sequence[Event], offsets: Mapping[str, int]) -> tuple[Facts, Sequence[Event]]:
    if not any(offsets.values()):
        facts = read_facts(events)
        return facts, facts.events
    original: dict[int, Event] = {}
    shifted: list[Event] = []
    for event in events:
        offset = offsets.get(event.host, 0)
        moved = msgspec.structs.replace(event, timestamp=event.time - offset) if offset else event
        original[id(moved)] = event
        shifted.append(moved)
    facts = read_facts(shifted)
    return facts, [original[id(moved)] for moved in facts.events]


def _raw(exchange: Exchange, offsets: Mapping[str, int]) -> Exchange:
    here, there = offsets.get(exchange.caller, 0), offsets.get(exchange.callee, 0)
    if not here and not there:
        return exchange
    return msgspec.structs.replace(
        exchange,
        sent=exchange.sent + here,
        answered=exchange.answered + here,
        received=exchange.received + there,
        ended=exchange.ended + there,
    )


def _hosts(facts: Facts) -> list[str]:
    """Return the hosts, those of invocations that nobody called first: their clock is the reference."""
    roots = [
        event.host
        for event, group in zip(facts.events, facts.group, strict=True)
        if group >= 0 and facts.parent[group] is None
    ]
    return [host for host in dict.fromkeys([*roots, *(event.host for event in facts.events)]) if host]
