"""Agents' measurements as what is known of clocks beforehand."""

from __future__ import annotations

from clew_agent.wire import ClockOffset, Heartbeat
from clew_collector.agents import SeenAgent
from clew_query.path import measured_clocks
from clew_query.path.clock import Prior
from clew_query.path.measured import AGE_NS_MAX

NOW = 1_795_478_400_000_000_000
MS = 1_000_000


def agent(host: str, offset: int | None, within: int = MS, *, name: str = "a", at: int = NOW) -> SeenAgent:
    clock = None if offset is None else ClockOffset(offset_ns=offset, uncertainty_ns=within, measured_ns=at)
    return SeenAgent(Heartbeat(agent_id=name, host=host, version="1", sent_ns=at, started_ns=0, clock=clock), at)


def test_each_host_has_what_its_agent_measured() -> None:
    clocks = measured_clocks([agent("a", 40 * MS), agent("b", -7 * MS, MS), agent("c", None)], NOW)
    assert clocks == {"a": Prior(40 * MS, MS, "agent"), "b": Prior(-7 * MS, MS, "agent")}


def test_of_several_agents_the_one_that_knows_best_counts() -> None:
    clocks = measured_clocks([agent("a", 9 * MS, 3 * MS), agent("a", 8 * MS, MS, name="b")], NOW)
    assert clocks == {"a": Prior(8 * MS, MS, "agent")}


def test_an_offset_within_its_uncertainty_moves_nothing() -> None:
    assert measured_clocks([agent("a", MS // 2)], NOW) == {"a": Prior(0, MS + MS // 2, "agent")}


def test_other_times_are_known_less_well_and_far_ones_not_at_all() -> None:
    hour = 3600 * 10**9
    assert measured_clocks([agent("a", 90 * MS)], NOW - hour)["a"].uncertainty == MS + 54 * MS
    assert measured_clocks([agent("a", 90 * MS)], NOW - AGE_NS_MAX - 1) == {}
