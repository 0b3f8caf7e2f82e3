"""What agents measured of their hosts' clocks, as priors for correcting a transaction's times."""

from __future__ import annotations

from collections.abc import Iterable

from clew_agent.clock import aged_uncertainty_ns
from clew_collector.agents import SeenAgent

from .clock import Prior

__all__ = ["AGE_NS_MAX", "measured_clocks"]

AGE_NS_MAX = 86_400 * 10**9
"""A measurement says nothing of times that are farther away: clocks are set."""


def measured_clocks(agents: Iterable[SeenAgent], at_ns: int) -> dict[str, Prior]:
    """Return for each host with an agent how far its clock was ahead of the collector's at a time, ns UTC.

    Of several agents on a host the one that knows best counts. An offset that is not larger than its uncertainty tells
    nothing: the clock is taken as right within both.
    """
    clocks: dict[str, Prior] = {}
    for agent in agents:
        clock, host = agent.beat.clock, agent.beat.host
        if clock is None or abs(at_ns - clock.measured_ns) > AGE_NS_MAX:
            continue
        offset, within = clock.offset_ns, aged_uncertainty_ns(clock, at_ns)
        prior = Prior(offset, within, "agent") if abs(offset) > within else Prior(0, within + abs(offset), "agent")
        if host not in clocks or prior.uncertainty < clocks[host].uncertainty:
            clocks[host] = prior
    return clocks
