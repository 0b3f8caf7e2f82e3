"""How far clocks are apart: published cases, those that others get wrong, and what holds for any transaction."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.path.lines import START, line, span

from clew_collector.event import Event
from clew_query.path import Path, build_path
from clew_query.path.clock import HOSTS_MAX, Exchange, HostClock, Prior, Solution, solve_clocks

MS = 1_000_000


class Proto(NamedTuple):
    """A span as Jaeger's skew adjuster's tests have it, in milliseconds, and where it begins when adjusted."""

    name: str
    parent: str
    start: int
    duration: int
    host: str
    adjusted: int


JAEGER = {
    "single span with bad parent": [Proto("1", "99", 0, 100, "a", 0)],
    "single span with empty host": [Proto("1", "", 0, 100, "", 0)],
    "two spans with the same id": [Proto("1", "", 0, 100, "a", 0), Proto("1", "", 0, 100, "a", 0)],
    "parent and child on the same host": [Proto("1", "", 0, 100, "a", 0), Proto("2", "1", 10, 50, "a", 10)],
    "not on the same host, though it begins before": [
        Proto("1", "", 10, 100, "a", 10),
        Proto("2", "1", 0, 50, "a", 0),
    ],
    "not a child that fits": [Proto("1", "", 10, 100, "a", 10), Proto("2", "1", 20, 50, "b", 20)],
    "not a child that is longer than its parent": [Proto("1", "", 10, 100, "a", 10), Proto("2", "1", 20, 150, "b", 20)],
    "a child that begins before its parent": [Proto("1", "", 10, 100, "a", 10), Proto("2", "1", 0, 50, "b", 35)],
    "a child that begins before, though it is longer": [
        Proto("1", "", 10, 100, "a", 10),
        Proto("2", "1", 0, 150, "b", 10),
    ],
    "a child that ends after, though it is shorter, and one on its host": [
        Proto("1", "", 10, 100, "a", 10),
        Proto("2", "1", 50, 70, "b", 25),
        Proto("3", "2", 60, 20, "b", 35),
    ],
}


def spans_of(protos: list[Proto]) -> list[Event]:
    return [
        span(f"service-{n}", p.name, p.parent, "server", at=(p.start, p.start + p.duration), host=p.host)
        for n, p in enumerate(protos)
    ]


def starts(path: Path) -> list[tuple[str, float]]:
    own = [i for i in path.invocations if not i.placeholder]
    return sorted((i.span_ids[0], (i.start - START) / MS) for i in own)


@pytest.mark.parametrize("protos", JAEGER.values(), ids=JAEGER)
def test_jaegers_cases(protos: list[Proto]) -> None:
    """Of its thirteen; three follow. One way, Jaeger lets a message arrive when it was sent; here it takes a µs."""
    for (name, start), proto in zip(starts(build_path(spans_of(protos))), protos, strict=True):
        assert name == proto.name
        assert start == pytest.approx(proto.adjusted, abs=0.001)


@pytest.mark.parametrize(("start", "correction"), [(0, 35), (80, -45)])
def test_jaegers_cases_of_a_limit(start: int, correction: int) -> None:
    """Its limit of 10 ms, in either direction, and 0, which turns it off: a correction above the limit is not made."""
    call = Exchange(1, "a", "b", 10 * MS, start * MS, (start + 50) * MS, 110 * MS, waited=True)
    free = solve_clocks([call], ["a", "b"])
    assert free.clocks["b"] == HostClock(-correction * MS, 25 * MS, "calls")
    for limit in (10 * MS, 0):
        assert solve_clocks([call], ["a", "b"], correction_ns_max=limit).clocks["b"] == HostClock(0, None, "none")


def us(*times: int) -> tuple[int, ...]:
    return tuple(time * 1_000 for time in times)


class TestZipkin:
    """Its client and server spans, in microseconds."""

    def solve(
        self, client: tuple[int, int], server: tuple[int, int], waited: bool = True, host: str = "be"
    ) -> Solution:
        sent, answered, received, ended = us(*client, *server)
        return solve_clocks([Exchange(1, "fe", host, sent, received, ended, answered, waited)], ["fe", "be"])

    def test_corrects_only_across_hosts(self) -> None:
        assert self.solve((20, 40), (10, 20), host="fe").clocks == {
            "fe": HostClock(0, None, "none"), "be": HostClock(0, None, "none"),
        }  # fmt: skip

    def test_only_when_the_server_seems_to_begin_before_its_client(self) -> None:
        assert self.solve((20, 40), (30, 40)).clocks["be"].offset == 0

    def test_the_server_is_wrong_by_how_much_it_is_behind_less_half_of_what_is_left(self) -> None:
        clock = self.solve((20, 40), (10, 20)).clocks["be"]
        assert clock == HostClock(*us(10 - 20 - (20 - 10) // 2, 5), "calls")

    @pytest.mark.parametrize("waited", [True, False])
    def test_one_way_and_asynchronous_messages_take_a_microsecond(self, waited: bool) -> None:
        """Its client stops before the server does, or has no end at all."""
        clock = self.solve((20, 25), (10, 20), waited).clocks["be"]
        assert clock == HostClock(*us(10 - 20 - 1), None, "calls")

    def test_a_clock_that_runs_ahead_is_corrected_too(self) -> None:
        """Zipkin never does that."""
        assert self.solve((20, 40), (35, 45)).clocks["be"] == HostClock(*us(10, 5), "calls")

    def test_several_roots_and_a_missing_one_do_not_stop_it(self) -> None:
        """Zipkin leaves the whole trace alone."""
        spans = [
            span("other", "o", at=(0, 1), host="x"),
            span("web", "a", "gone", "server", at=(10, 110), host="fe"),
            span("web", "b", "a", "client", at=(10, 110), host="fe"),
            span("app", "c", "b", "server", at=(0, 50), host="be"),
        ]
        assert ("c", 35.0) in starts(build_path(spans))


class TestWhatOthersGetWrong:
    def test_two_calls_to_one_host_get_one_offset_that_fits_both(self) -> None:
        """Jaeger gives each call an offset of its own, so that lines of one clock move against each other."""
        calls = [
            Exchange(1, "a", "b", 0, -40 * MS, -30 * MS, 100 * MS, waited=True),
            Exchange(2, "a", "b", 200 * MS, 130 * MS, 140 * MS, 230 * MS, waited=True),
        ]
        clock = solve_clocks(calls, ["a", "b"]).clocks["b"]
        assert clock == HostClock(-80 * MS, 10 * MS, "calls")

    def test_a_call_back_uses_the_known_clock(self) -> None:
        """A calls B, B calls A: Jaeger computes A anew, and A has two clocks."""
        spans = [
            span("web", "a", kind="server", at=(0, 100), host="A"),
            span("app", "b", "a", "server", at=(510, 590), host="B"),
            span("web", "c", "b", "server", at=(20, 30), host="A"),
        ]
        assert starts(build_path(spans)) == [("a", 0.0), ("b", 10.0), ("c", 20.0)]

    def test_a_call_back_bounds_the_clock_from_inside(self) -> None:
        """A's [40, 45] lies within B's [500, 510]: B is ahead by 460 to 465."""
        calls = [
            Exchange(1, "A", "B", 0, 500 * MS, 510 * MS, 100 * MS, waited=True),
            Exchange(2, "B", "A", 500 * MS, 40 * MS, 45 * MS, 510 * MS, waited=True),
        ]
        assert solve_clocks(calls, ["A", "B"]).clocks["B"] == HostClock(462_500_000, 2_500_000, "calls")

    def test_one_late_answer_among_many_calls_is_a_timeout_and_no_skew(self) -> None:
        """The caller gave up after 10 ms. Jaeger moves the callee's clock by half a second."""
        good = [Exchange(n, "a", "b", n * MS, (n + 1) * MS, (n + 8) * MS, (n + 9) * MS, waited=True) for n in range(9)]
        late = Exchange(9, "a", "b", 100 * MS, 108 * MS, 117 * MS, 110 * MS, waited=True)
        solution = solve_clocks([*good, late], ["a", "b"])
        assert solution.clocks["b"].offset == 0
        assert solution.asynchronous == {9}

    def test_a_call_longer_than_its_callers_wait_is_named(self) -> None:
        spans = [
            span("web", "a", kind="client", at=(0, 10), host="A"),
            span("app", "b", "a", "server", at=(2, 50), host="B"),
        ]
        call = build_path(spans).calls[1]
        assert call.kind == "async"
        assert call.evidence[-1].startswith("it took longer than its caller waited")

    def test_of_two_calls_that_no_clock_fits_the_one_with_the_late_answer_is_named(self) -> None:
        calls = [
            Exchange(1, "a", "b", 0, 2 * MS, 8 * MS, 10 * MS, waited=True),
            Exchange(2, "a", "b", 20 * MS, 24 * MS, 33 * MS, 30 * MS, waited=True),
        ]
        solution = solve_clocks(calls, ["a", "b"])
        assert solution.asynchronous == {2}
        assert solution.clocks["b"].offset == 0

    def test_messages_that_go_round_faster_than_time_contradict_each_other(self) -> None:
        calls = [
            Exchange(1, "a", "b", 100 * MS, 50 * MS, 60 * MS, 0, waited=False),
            Exchange(2, "b", "a", 60 * MS, 70 * MS, 80 * MS, 0, waited=False),
        ]
        assert solve_clocks(calls, ["a", "b"]).contradicting == {1}

    def test_a_chain_through_three_hosts_is_solved_jointly(self) -> None:
        calls = [
            Exchange(1, "a", "b", 0, 1_000 * MS, 1_080 * MS, 100 * MS, waited=True),
            Exchange(2, "b", "c", 1_010 * MS, -400 * MS, -360 * MS, 1_070 * MS, waited=True),
        ]
        clocks = solve_clocks(calls, ["a", "b", "c"]).clocks
        assert (clocks["b"].offset, clocks["c"].offset) == (990 * MS, -430 * MS)
        assert (clocks["b"].uncertainty, clocks["c"].uncertainty) == (10 * MS, 20 * MS)


class TestPriors:
    CALL = Exchange(1, "a", "b", 0, 520 * MS, 570 * MS, 100 * MS, waited=True)

    def test_an_agents_offset_that_calls_allow_is_taken_as_it_is(self) -> None:
        priors = {"a": Prior(0, MS, "agent"), "b": Prior(505 * MS, MS, "agent")}
        assert solve_clocks([self.CALL], ["a", "b"], priors).clocks["b"] == HostClock(505 * MS, MS, "agent")

    def test_one_that_is_a_little_off_goes_to_the_nearest_that_calls_allow(self) -> None:
        priors = {"a": Prior(0, MS, "agent"), "b": Prior(521 * MS, 2 * MS, "agent")}
        clock = solve_clocks([self.CALL], ["a", "b"], priors).clocks["b"]
        assert (clock.offset, clock.origin) == (520 * MS, "calls")

    def test_after_a_step_of_the_clock_calls_are_right(self) -> None:
        priors = {"a": Prior(0, MS, "agent"), "b": Prior(-70_000 * MS, MS, "agent")}
        clock = solve_clocks([self.CALL], ["a", "b"], priors).clocks["b"]
        assert (clock.offset, clock.origin) == (495 * MS, "calls")

    def test_lines_are_ordered_by_agents_clocks(self) -> None:
        events = [line("a", 0, "begin"), line("b", 5_001, "in"), line("b", 5_002, "out"), line("a", 3, "end")]
        path = build_path(events, clocks={"host-of-b": Prior(5_000 * MS, MS, "agent")})
        assert [(call.from_service, call.to_service) for call in path.calls] == [(None, "a"), ("a", "b")]
        callee = path.invocations[1]
        assert (callee.start - START, callee.offset) == (MS, 5_000 * MS)
        assert callee.events[0].time - START == 5_001 * MS

    def test_an_offset_within_its_uncertainty_is_none(self) -> None:
        events = [line("a", 0), line("b", 1), line("a", 2)]
        path = build_path(events, clocks={"host-of-b": Prior(5 * MS, 6 * MS, "agent")})
        assert [invocation.offset for invocation in path.invocations] == [0, 0]

    def test_offsets_that_were_found_together_count_within_their_uncertainty_too(self) -> None:
        events = [line("a", 0), line("b", 9, "in"), line("b", 10, "out"), line("a", 7, "end")]
        clocks = {
            "host-of-a": Prior(-3 * MS, 6 * MS, "learned", joint=True),
            "host-of-b": Prior(2 * MS, 6 * MS, "learned", joint=True),
        }
        path = build_path(events, clocks=clocks)
        assert [(call.from_service, call.to_service) for call in path.calls] == [(None, "a"), ("a", "b")]
        assert [invocation.offset for invocation in path.invocations] == [-3 * MS, 2 * MS]


def nested_calls(rng: random.Random, hosts: int, calls: int) -> list[Event]:
    """Client and server spans on hosts with one clock, all nested in time."""
    spans = [("0", "", 0, 0, 1_000_000_000)]
    events = [span("s0", "0", kind="server", at=(0, 1_000), host="h0")]
    for n in range(1, calls):
        name, _, host, start, end = spans[rng.randrange(len(spans))]
        times = sorted(rng.randrange(start, end + 1) for _ in range(4))
        callee = rng.randrange(hosts)
        at = (times[0] / MS, times[3] / MS)
        events.append(span(f"s{host}", f"c{n}", name, "client", at=at, host=f"h{host}"))
        at = (times[1] / MS, times[2] / MS)
        events.append(span(f"s{callee}", f"{n}", f"c{n}", "server", at=at, host=f"h{callee}"))
        spans.append((f"{n}", "", callee, times[1], times[2]))
    return events


def skewed(events: list[Event], offsets: dict[str, int]) -> list[Event]:
    return [
        Event(**{**{f: getattr(e, f) for f in Event.__struct_fields__}, "timestamp": e.time + offsets.get(e.host, 0)})
        for e in events
    ]


class TestAnyTransaction:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 15))
    def test_zero_skew_changes_nothing(self, seed: int, hosts: int, calls: int) -> None:
        path = build_path(nested_calls(random.Random(seed), hosts, calls))
        assert all(clock.offset == 0 for clock in path.clocks.values())
        assert all(call.kind == "sync" for call in path.calls)

    @settings(max_examples=80, deadline=None)
    @given(st.integers(0, 2**32), st.integers(2, 5), st.integers(2, 15), st.integers(-(10**11), 10**11))
    def test_an_injected_offset_is_recovered_within_its_uncertainty(
        self, seed: int, hosts: int, calls: int, most: int
    ) -> None:
        rng = random.Random(seed)
        events = nested_calls(rng, hosts, calls)
        truth = {f"h{n}": rng.randrange(-abs(most), abs(most) + 1) for n in range(hosts)}
        truth["h0"] = 0
        path = build_path(skewed(events, truth))
        for host, clock in path.clocks.items():
            if clock.uncertainty is not None:
                assert abs(clock.offset - truth[host]) <= clock.uncertainty
        assert all(call.kind == "sync" for call in path.calls)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abcd"), st.sampled_from("abcd"), *[st.integers(-50, 50)] * 4, st.booleans(),
            ),
            max_size=25,
        )
    )  # fmt: skip
    def test_hostile_calls_are_solved_or_named(self, rows: list) -> None:
        calls = [Exchange(n, *row[:6], waited=row[6]) for n, row in enumerate(rows)]
        solution = solve_clocks(calls, list("abcd"))
        offset = {host: clock.offset for host, clock in solution.clocks.items()}
        for call in calls:
            apart = offset[call.callee] - offset[call.caller]
            if call.caller == call.callee or call.call in solution.contradicting:
                continue
            assert apart <= call.received - call.sent + 999_999
            if call.waited and call.call not in solution.asynchronous:
                assert apart >= call.ended - call.answered - 999_999

    def test_of_more_hosts_than_are_looked_at_the_others_are_left_alone(self) -> None:
        rng = random.Random(5)
        hosts = [f"h{n}" for n in range(HOSTS_MAX + 50)]
        calls = [
            Exchange(n, rng.choice(hosts), rng.choice(hosts), *(rng.randrange(10**9) for _ in range(4)), waited=True)
            for n in range(10_000)
        ]
        solution = solve_clocks(calls, hosts)
        assert list(solution.clocks) == hosts[:HOSTS_MAX]
