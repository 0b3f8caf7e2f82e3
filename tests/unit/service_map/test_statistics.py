"""What paths add to the map: Zipkin's dependency linker's cases, probabilities, and that merging is adding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.path.lines import line, span

from clew_collector.event import Event
from clew_query.path import build_path
from clew_query.service_map import EdgeKey, MapStatistics, count_path
from clew_query.service_map.sketch import RELATIVE_ERROR, Sketch


def counted(*transactions: list[Event]) -> MapStatistics:
    statistics = MapStatistics()
    for events in transactions:
        count_path(build_path(events), statistics)
    return statistics


def links(statistics: MapStatistics) -> dict[tuple[str | None, str], tuple[int, int]]:
    """Calls and errors between services, calls from outside left out."""
    return {
        (key.caller, key.callee): (edge.calls, edge.errors)
        for key, edge in statistics.edges.items()
        if key.caller is not None
    }


TRACE = [
    span("web", "a", kind="server", at=(0, 90)),
    span("web", "b", "a", "client", at=(1, 80)),
    span("app", "b", "a", "server", at=(2, 70)),
    span("app", "c", "b", "client", at=(3, 60), status="error", attributes={"peer.service": "db"}),
]


class TestLinks:
    def test_of_a_trace(self) -> None:
        assert links(counted(TRACE)) == {("web", "app"): (1, 1), ("app", "db"): (1, 1)}

    def test_the_same_trace_twice_counts_twice(self) -> None:
        assert links(counted(TRACE, TRACE))["web", "app"] == (2, 2)

    def test_a_call_seen_from_both_sides_is_one_call_and_one_error(self) -> None:
        """singleHostSpansResultInASingleErrorCount, with one id for both sides and with two."""
        for below in ("a", "b"):
            client = span("client", "a", kind="client", at=(0, 9), status="error", attributes={"peer.service": "x"})
            server = span("server", below, "" if below == "a" else "a", "server", at=(1, 8), status="error")
            assert links(counted([client, server])) == {("client", "server"): (1, 1)}

    def test_work_between_the_sides_is_passed_over(self) -> None:
        """intermediatedClientSpans: the nearest invocation above is the caller."""
        spans = [span("web", "a", kind="server", at=(0, 9)), span("web", "i", "a", "internal", at=(1, 8))]
        spans += [
            span("web", f"c{n}", "i", "client", at=(1 + n, 2 + n), attributes={"peer.service": "server"})
            for n in range(2)
        ]
        assert links(counted(spans)) == {("web", "server"): (2, 0)}

    def test_a_root_server_that_names_its_client_is_called_by_it(self) -> None:
        """linksSpansDirectedByKind, from either side."""
        server = span("server", "a", kind="server", attributes={"peer.service": "client"})
        client = span("client", "a", kind="client", attributes={"peer.service": "server"})
        assert links(counted([server])) == links(counted([client])) == {("client", "server"): (1, 0)}

    def test_a_message_links_producer_and_consumer(self) -> None:
        """Where Zipkin has links to the broker, or none at all; the broker stands in where one side is missing."""
        sent = span("shop", "a", kind="producer", attributes={"messaging.system": "kafka"})
        taken = span("mail", "b", "a", "consumer", at=(2, 3))
        assert links(counted([sent, taken])) == {("shop", "mail"): (1, 0)}
        assert links(counted([sent])) == {("shop", "kafka"): (1, 0)}

    def test_without_both_names_nothing_is_linked(self) -> None:
        for kind in ("server", "client", "producer", "consumer", ""):
            assert links(counted([span("alone", "a", kind=kind)])) == {}

    def test_siblings_whose_parent_is_missing_are_not_linked_to_each_other(self) -> None:
        """doesntLinkUnrelatedSpansWhenMissingRootSpan."""
        spans = [span(f"s{n}", f"s{n}", "gone", "server", at=(n, n + 1)) for n in range(2)]
        statistics = counted(spans)
        assert links(statistics) == {}
        assert set(statistics.nodes) == {"s0", "s1"}

    def test_what_is_below_a_missing_root_is_linked(self) -> None:
        """linksRelatedSpansWhenMissingRootSpan."""
        spans = [span("s1", "b", "gone", "server", at=(0, 9)), span("s2", "c", "b", "server", at=(1, 8))]
        assert links(counted(spans)) == {("s1", "s2"): (1, 0)}

    def test_a_service_that_calls_itself(self) -> None:
        """linksLoopbackSpans."""
        spans = [span("s", "a", kind="client", at=(0, 9)), span("s", "b", "a", "server", at=(1, 8))]
        assert links(counted(spans)) == {("s", "s"): (1, 0)}


class TestEdges:
    def test_inferred_calls_and_how_many_of_them_are_wrong(self) -> None:
        statistics = counted([line("a", 0, "in"), line("b", 1, "in"), line("b", 2, "out"), line("a", 3, "out")])
        edge = statistics.edges[EdgeKey("a", "b", "sync")]
        assert (edge.calls, edge.inferred) == (1, 1)
        assert 0 < edge.doubt < 0.5
        assert statistics.edges[EdgeKey(None, "a", "sync")].inferred == 0

    def test_the_latency_is_the_callees(self) -> None:
        edge = counted(TRACE).edges[EdgeKey("web", "app", "sync")]
        assert edge.latency.quantile(0.5) is not None
        assert abs(edge.latency.quantile(0.5) - 68_000_000) <= 68_000_000 * RELATIVE_ERROR

    def test_of_one_line_nothing_is_known(self) -> None:
        assert counted([line("a", 0)]).edges[EdgeKey(None, "a", "sync")].latency.quantile(0.5) is None

    def test_services_of_which_nothing_was_heard_are_told_apart(self) -> None:
        nodes = counted(TRACE).nodes
        assert {service: node.heard for service, node in nodes.items()} == {"web": True, "app": True, "db": False}
        assert nodes["db"].errors == 1


VALUES = st.lists(st.integers(0, 1 << 62), min_size=1, max_size=60)


class TestSketch:
    @settings(max_examples=200, deadline=None)
    @given(VALUES, st.floats(0, 1))
    def test_quantiles_are_within_the_relative_error(self, values: list[int], share: float) -> None:
        sketch = Sketch()
        for value in values:
            sketch.add(value)
        found = sketch.quantile(share)
        assert found is not None
        exact = sorted(values)[int(share * (len(values) - 1))]
        assert abs(found - exact) <= exact * (RELATIVE_ERROR + 1e-6) + 1
        assert len(sketch.classes) <= 443

    @settings(max_examples=100, deadline=None)
    @given(VALUES, VALUES)
    def test_merging_is_adding(self, first: list[int], second: list[int]) -> None:
        parts = [Sketch(), Sketch(), Sketch()]
        for values, into in ((first, (0, 2)), (second, (1, 2))):
            for value in values:
                for number in into:
                    parts[number].add(value)
        parts[0].merge(parts[1])
        assert parts[0].classes == parts[2].classes
        assert parts[0].count == len(first) + len(second)

    def test_of_nothing_there_is_no_quantile(self) -> None:
        assert Sketch().quantile(0.5) is None


def test_maps_add_up_in_any_order() -> None:
    other = [line("a", 0, "in"), line("b", 1, "in"), line("b", 2, "out"), line("a", 3, "out")]
    parts = [counted(TRACE), counted(other), counted(TRACE, other)]
    assert MapStatistics.merged(parts) == MapStatistics.merged(reversed(parts))
    assert MapStatistics.merged(parts) == counted(TRACE, other, TRACE, other)
