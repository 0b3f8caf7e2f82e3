"""The path of spans: what proves a call, and what becomes of those that do not fit."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.path.lines import TRANSACTION, line, named, span, tree

from clew_collector.event import Event, Link
from clew_query.path import Call, Invocation, Path, build_path


def call_of(path: Path, service: str) -> Call:
    return next(call for call in path.calls if call.to_service == service)


def spans_of(path: Path) -> list[tuple[str, ...]]:
    return [invocation.span_ids for invocation in path.invocations]


def placeholders(path: Path) -> list[Invocation]:
    return [invocation for invocation in path.invocations if invocation.placeholder]


RPC = [
    span("web", "a", kind="server", at=(0, 100)),
    span("web", "b", "a", "client", at=(10, 90)),
    span("app", "c", "b", "server", at=(20, 80)),
]


class TestCalls:
    def test_a_client_span_and_the_server_span_below_it_are_one_call(self) -> None:
        path = build_path(RPC)
        assert named(path) == {"web#1": None, "app#1": "web#1"}
        assert spans_of(path) == [("a", "b"), ("c",)]
        assert [(call.kind, call.probability) for call in path.calls] == [("sync", 1.0), ("sync", 1.0)]

    def test_an_invocation_lasts_as_long_as_its_spans(self) -> None:
        root = build_path(RPC).invocations[0]
        assert root.end - root.start == 100_000_000

    def test_a_root_span_is_certainly_a_root(self) -> None:
        call = build_path(RPC).calls[0]
        assert (call.parent, call.probability, call.evidence) == (None, 1.0, ("its span names no parent",))

    def test_skewed_clocks_make_no_call_asynchronous(self) -> None:
        """The callee begins after its caller ended, but a client waits for its server."""
        path = build_path([*RPC[:2], span("app", "c", "b", "server", at=(500, 560))])
        assert call_of(path, "app").kind == "sync"

    def test_internal_spans_belong_to_the_invocation_however_deep(self) -> None:
        chain = [span("web", f"i{n}", f"i{n - 1}" if n else "a", "internal") for n in range(50)]
        assert len(build_path([RPC[0], *chain]).invocations) == 1

    def test_a_service_that_calls_itself_is_called(self) -> None:
        spans = [
            span("web", "a", kind="server", at=(0, 9)),
            span("web", "b", "a", "client", at=(1, 8)),
            span("web", "c", "b", "server", at=(2, 7)),
        ]
        assert tree(spans) == {"web#1": None, "web#2": "web#1"}

    def test_two_layers_of_instrumentation_are_one_entry(self) -> None:
        """A framework's server span directly within that of the HTTP server below it."""
        assert spans_of(build_path([RPC[0], span("web", "b", "a", "server", at=(1, 99))])) == [("a", "b")]

    def test_an_unseen_entry_makes_one_invocation_of_its_calls_out(self) -> None:
        spans = [
            RPC[0],
            *(span("app", f"c{n}", "a", "client", at=(10 * n, 10 * n + 5)) for n in (1, 2, 3)),
        ]
        assert spans_of(build_path(spans)) == [("a",), ("c1", "c2", "c3")]

    def test_lines_that_name_a_span_are_lines_of_its_invocation(self) -> None:
        path = build_path([*RPC, line("app", 30, "works", span_id="c"), line("app", 40, "db", span_id="c")])
        assert [len(invocation.events) for invocation in path.invocations] == [2, 3]

    def test_a_failed_span_is_an_error(self) -> None:
        path = build_path([*RPC[:2], span("app", "c", "b", "server", status="error")])
        assert [invocation.errors for invocation in path.invocations] == [0, 1]


class TestSharedIds:
    """B3: the server takes over the client's span id."""

    SHARED = (
        span("web", "a", kind="server", at=(0, 100)),
        span("web", "b", "a", "client", at=(10, 90)),
        span("app", "b", "a", "server", at=(20, 80)),
        span("db", "c", "b", "server", at=(30, 70)),
    )

    def test_the_client_side_called_the_server_side(self) -> None:
        path = build_path(self.SHARED)
        assert named(path) == {"web#1": None, "app#1": "web#1", "db#1": "app#1"}
        assert call_of(path, "app").evidence == ("both sides of the call have the same span id",)

    def test_the_parent_id_need_not_be_passed_on(self) -> None:
        """Zipkin: linksSpans_serverMissingParentId, lateParentIdInSharedSpan."""
        late = [*self.SHARED[:2], span("app", "b", "", "server", at=(20, 80)), self.SHARED[3]]
        assert tree(late) == tree(list(self.SHARED))

    def test_a_shared_root(self) -> None:
        spans = [span("web", "a", kind="client", at=(0, 9)), span("app", "a", kind="server", at=(1, 8))]
        assert tree([*spans, span("db", "b", "a", "server", at=(2, 3))]) == {
            "web#1": None, "app#1": "web#1", "db#1": "app#1",
        }  # fmt: skip

    def test_both_sides_in_one_process(self) -> None:
        spans = [span("web", "a", kind="client", at=(0, 9)), span("web", "a", kind="server", at=(1, 8))]
        path = build_path([*spans, line("web", 5, "works", span_id="a"), span("web", "b", "a", at=(2, 3))])
        assert named(path) == {"web#1": None, "web#2": "web#1"}
        assert [len(invocation.events) for invocation in path.invocations] == [1, 3]

    def test_a_message_to_two_consumers_that_share_its_span_id(self) -> None:
        """Zipkin: qualifiesChildrenOfDuplicateServerSpans. What each does below is told apart by the service."""
        spans = [
            span("web", "a", kind="server", at=(0, 9)),
            span("web", "b", "a", "producer", at=(1, 2)),
            span("foo", "b", "a", "consumer", at=(3, 6)),
            span("bar", "b", "a", "consumer", at=(4, 7)),
            span("bar", "c", "b", at=(5, 6)),
            span("foo", "d", "b", at=(4, 5)),
        ]
        path = build_path(spans)
        assert named(path) == {"web#1": None, "foo#1": "web#1", "bar#1": "web#1"}
        assert spans_of(path)[1:] == [("b", "d"), ("b", "c")]

    def test_children_are_told_apart_by_the_service_when_its_address_changes(self) -> None:
        """Zipkin: build_changingIps. The same service under two addresses."""
        spans = [
            span("my", "c", "a", "server", host="10.2.3.4", at=(1, 9)),
            span("my", "b", "c", "client", host="169.2.3.4", at=(2, 8)),
            span("my", "d", "c", host="10.2.3.4", at=(3, 7)),
        ]
        path = build_path(spans)
        assert spans_of(path) == [("c", "d"), ("b",)]
        assert named(path) == {"my#1": None, "my#2": "my#1"}


class TestMessages:
    def test_a_consumer_is_not_waited_for(self) -> None:
        path = build_path(
            [span("shop", "a", kind="producer", at=(0, 9)), span("mail", "b", "a", "consumer", at=(2, 5))]
        )
        assert (call_of(path, "mail").kind, call_of(path, "mail").from_service) == ("async", "shop")
        assert {section.invocation for section in path.critical_path} == {"i1"}

    def test_a_server_below_a_producer_is_not_waited_for_either(self) -> None:
        path = build_path([span("shop", "a", kind="producer"), span("mail", "b", "a", "server")])
        assert call_of(path, "mail").kind == "async"

    def test_one_message_to_many_consumers(self) -> None:
        spans = [span("shop", "a", kind="producer"), *(span(f"c{n}", f"s{n}", "a", "consumer") for n in range(20))]
        path = build_path(spans)
        assert sum(call.from_service == "shop" and call.kind == "async" for call in path.calls) == 20

    def test_a_link_to_the_sender_makes_it_the_caller_of_a_consumer_without_parent(self) -> None:
        spans = [
            span("shop", "a", kind="producer", at=(0, 1)),
            span("mail", "b", "", "consumer", at=(5, 6), links=(Link(TRANSACTION, "a"),)),
        ]
        call = call_of(build_path(spans), "mail")
        assert (call.from_service, call.kind, call.probability) == ("shop", "async", 1.0)
        assert call.evidence == ("its span has a link to the span that sent the message",)

    def test_a_batch_of_fifty_links_is_called_by_the_first_and_keeps_all(self) -> None:
        senders = [span(f"shop-{n}", f"p{n}", kind="producer", at=(n, n + 1)) for n in range(25)]
        links = tuple(Link(TRANSACTION if n % 2 else "f" * 32, f"p{n // 2}") for n in range(50))
        path = build_path([*senders, span("mail", "b", "", "consumer", at=(60, 70), links=links)])
        assert call_of(path, "mail").from_service == "shop-0"
        assert len(path.links) == 50
        assert [link.to for link in path.links if link.transaction_id == TRANSACTION] == [
            f"i{n + 1}" for n in range(25)
        ]
        assert {link.to for link in path.links if link.transaction_id != TRANSACTION} == {None}

    def test_a_parent_goes_before_links(self) -> None:
        spans = [
            span("shop", "a", kind="producer", at=(0, 1)),
            span("queue", "q", kind="producer", at=(1, 2)),
            span("mail", "b", "q", "consumer", at=(5, 6), links=(Link(TRANSACTION, "a"),)),
        ]
        path = build_path(spans)
        assert call_of(path, "mail").from_service == "queue"
        assert [(link.to, link.span_id) for link in path.links] == [("i1", "a")]

    def test_links_to_itself_and_to_nobody_call_nothing(self) -> None:
        links = (Link(TRANSACTION, "b"), Link(TRANSACTION, "gone"), Link("", ""))
        path = build_path([span("mail", "b", "", "consumer", links=links)])
        assert path.calls[0].parent is None
        assert [link.to for link in path.links] == ["i1", None, None]


class TestOrphans:
    def test_two_with_the_same_missing_parent_hang_below_one_placeholder(self) -> None:
        """Zipkin: build_headless."""
        path = build_path([span(f"s{n}", f"s{n}", "gone", "server", at=(n, n + 1)) for n in range(3)])
        (missing,) = placeholders(path)
        assert missing.placeholder == "span gone, which s0 names as its parent, is not here"
        assert (missing.id, missing.service, missing.span_ids, missing.events) == ("u1", "", ("gone",), ())
        assert [call.parent for call in path.calls] == ["u1", "u1", "u1", None]
        assert [call.from_service for call in path.calls] == [None] * 4

    def test_the_only_root_has_no_placeholder_but_says_so(self) -> None:
        path = build_path([span("web", "a", "gone", "server", at=(0, 9)), span("app", "b", "a", "server", at=(1, 8))])
        assert not placeholders(path)
        assert "the parent span gone left no line" in path.calls[0].evidence
        assert path.calls[0].probability < 1

    def test_a_lost_client_span_moves_nobody_else(self) -> None:
        """web's client span is lost: its callee is placed within web by time, with doubt; all else stands."""
        spans = [RPC[0], RPC[2], span("db", "d", "c", "server", at=(30, 40))]
        path = build_path(spans)
        assert named(path) == {"web#1": None, "app#1": "web#1", "db#1": "app#1"}
        call = call_of(path, "app")
        assert call.probability < 1
        assert "the parent span b left no line" in call.evidence

    def test_a_lost_internal_span_leaves_its_children_in_the_invocation(self) -> None:
        spans = [RPC[0], span("web", "x", "lost", "client", at=(10, 20)), span("app", "y", "x", "server", at=(12, 18))]
        path = build_path(spans)
        assert named(path) == {"web#1": None, "app#1": "web#1"}
        assert spans_of(path)[0] == ("a", "x")

    def test_nobody_who_had_ended_called_a_server(self) -> None:
        path = build_path([span("a", "a", at=(0, 9)), span("b", "b", "gone", "server", at=(20, 30))])
        assert call_of(path, "b").from_service is None
        assert call_of(path, "b").parent == "u1"

    def test_roots_without_a_parent_stay_roots(self) -> None:
        """Zipkin: duplicateRoots and noChildLeftBehind put them below the first; nothing says that it called them."""
        path = build_path(
            [span("a", "a", at=(0, 9)), span("b", "b", at=(1, 2)), span("c", "c", "b", "server", at=(1, 2))]
        )
        assert named(path) == {"a#1": None, "b#1": None, "c#1": "b#1"}

    def test_a_span_that_is_its_own_parent_is_a_root(self) -> None:
        """Zipkin: should skip on cycle."""
        assert tree([span("a", "b", "b")]) == {"a#1": None}

    def test_what_a_lost_entry_contained_stays_one_invocation(self) -> None:
        spans = [span("web", f"b{n}", "lost", "client", at=(10 * n, 10 * n + 5)) for n in range(3)]
        spans += [span(f"app{n}", f"c{n}", f"b{n}", "server", at=(10 * n + 1, 10 * n + 4)) for n in range(3)]
        path = build_path(spans)
        assert spans_of(path)[0] == ("b0", "b1", "b2")
        assert [call.from_service for call in path.calls] == [None, "web", "web", "web"]


class TestOneSide:
    """Uninstrumented callers and callees: Zipkin's dependency linker, from both sides of a call."""

    def test_a_client_span_that_nobody_answers_calls_whom_it_names(self) -> None:
        db = span(
            "app", "d", "c", "client", at=(30, 40), attributes={"db.system": "postgresql", "server.address": "pg1"}
        )
        path = build_path([*RPC, db])
        (unheard,) = placeholders(path)
        assert (unheard.service, unheard.end - unheard.start) == ("postgresql", 10_000_000)
        call = call_of(path, "postgresql")
        assert (call.from_service, call.kind, call.count) == ("app", "sync", 1)
        assert call.evidence == ("a span of app names it as whom it calls",)
        assert unheard.id in {section.invocation for section in path.critical_path}

    def test_who_answers_is_not_called_twice(self) -> None:
        """Zipkin: singleHostSpansResultInASingleCallCount_defersNameToServer."""
        named_client = msgspec.structs.replace(RPC[1], attributes={"peer.service": "app-by-another-name"})
        path = build_path([RPC[0], named_client, RPC[2]])
        assert [call.to_service for call in path.calls] == ["web", "app"]

    def test_many_calls_of_one_peer_are_one_placeholder_with_their_count(self) -> None:
        calls = [
            span("web", f"b{n}", "a", "client", at=(n, n + 1), status="error" if n == 7 else "",
                 attributes={"peer.service": "cache"})
            for n in range(50)
        ]  # fmt: skip
        path = build_path([RPC[0], *calls])
        assert (call_of(path, "cache").count, placeholders(path)[0].errors) == (50, 1)
        assert {section.invocation for section in path.critical_path} == {"i1"}

    def test_a_server_span_may_name_its_caller(self) -> None:
        path = build_path([span("app", "a", kind="server", attributes={"peer.service": "phone"})])
        assert named(path) == {"app#1": "phone#1", "phone#1": None}

    def test_a_message_that_nobody_takes_goes_to_its_destination(self) -> None:
        sent = span("shop", "a", kind="producer", at=(0, 1),
                    attributes={"messaging.system": "kafka", "messaging.destination.name": "orders"})  # fmt: skip
        call = call_of(build_path([sent]), "kafka:orders")
        assert (call.from_service, call.kind) == ("shop", "async")

    def test_internal_spans_and_spans_that_name_nobody_call_nobody(self) -> None:
        """Zipkin: cannotLinkSingleSpanWithoutBothServiceNames."""
        spans = [span("a", "a", kind="client"), span("a", "b", "a", "internal", attributes={"peer.service": "x"})]
        assert not placeholders(build_path(spans))


class TestMixed:
    def test_a_service_that_only_logs_is_placed_among_spans(self) -> None:
        spans = [*RPC, span("app", "d", "c", "internal", at=(30, 60))]
        logs = [line("pricing", 35, "asked"), line("pricing", 45, "answered")]
        path = build_path([*spans, *logs])
        assert named(path) == {"web#1": None, "app#1": "web#1", "pricing#1": "app#1"}
        call = call_of(path, "pricing")
        assert call.probability < 1
        assert "smallest interval around it" in call.evidence

    def test_lines_of_a_spanless_caller_stay_apart_from_spans_below(self) -> None:
        logs = [line("old", 0, "begin"), line("old", 100, "end")]
        path = build_path([*logs, span("new", "a", "unlogged", "server", at=(10, 90))])
        assert named(path) == {"old#1": None, "new#1": "old#1"}


def random_trace(rng: random.Random, size: int) -> list[Event]:
    """Spans with one parent each, nested in time: servers called by clients, work inside, consumers of messages."""
    spans = [("s0", "0", "", "server", 0.0, 1000.0)]
    for n in range(1, size):
        service, name, _, kind, start, end = spans[rng.randrange(len(spans))]
        begin = rng.uniform(start, end)
        stop = rng.uniform(begin, end)
        if kind in {"client", "producer"}:
            below = (f"s{rng.randrange(6)}x{n}", "server" if kind == "client" else "consumer")
        else:
            below = (service, rng.choice(["internal", "client", "producer"]))
        spans.append((below[0], str(n), name, below[1], begin, stop))
    return [span(s, name, parent, kind, at=(start, end)) for s, name, parent, kind, start, end in spans]


def callers_by_span(path: Path) -> dict[str, tuple[str, ...]]:
    own = {invocation.id: invocation for invocation in path.invocations}
    parent = {call.child: call.parent for call in path.calls}
    found: dict[str, tuple[str, ...]] = {}
    for invocation in path.invocations:
        above = parent[invocation.id]
        for name in invocation.span_ids if not invocation.placeholder else ():
            found[name] = own[above].span_ids if above else ()
    return found


class TestAnySpans:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32), st.integers(2, 25), st.data())
    def test_taking_one_span_away_moves_only_what_it_called(self, seed: int, size: int, data: st.DataObject) -> None:
        spans = random_trace(random.Random(seed), size)
        lost = data.draw(st.sampled_from(spans))
        whole, less = build_path(spans), build_path([one for one in spans if one is not lost])
        before, after = callers_by_span(whole), callers_by_span(less)
        # What it called, and what was one invocation with it or is one with what it called, has lost its anchor.
        adrift = {one.span_id for one in spans if one.parent_span_id == lost.span_id}
        adrift.update(*(i.span_ids for i in whole.invocations if lost.span_id in i.span_ids))
        adrift.update(*(i.span_ids for i in less.invocations if not adrift.isdisjoint(i.span_ids)))
        for name, callers in after.items():
            assert name in adrift or set(callers) == set(before[name]) - {lost.span_id}

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32), st.integers(1, 25), st.data())
    def test_taking_one_line_of_a_span_away_moves_nothing(self, seed: int, size: int, data: st.DataObject) -> None:
        spans = random_trace(random.Random(seed), size)
        lines = [
            line(one.service, 1 + n, f"line {n}", span_id=one.span_id, timestamp=one.time + 1)
            for n, one in enumerate(spans)
        ]
        lost = data.draw(st.sampled_from(lines))
        whole, less = build_path([*spans, *lines]), build_path([*spans, *(one for one in lines if one is not lost)])
        assert callers_by_span(whole) == callers_by_span(less)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.sampled_from("1234"),
                st.sampled_from(["", "1", "2", "3", "4", "5"]),
                st.sampled_from(["", "server", "client", "producer", "consumer", "internal", "odd"]),
                st.integers(0, 20),
                st.one_of(st.none(), st.integers(0, 20)),
            ),
            max_size=30,
        ),
        st.integers(0, 2**32),
    )
    def test_hostile_spans_give_a_forest_whatever_their_order(self, rows: list, seed: int) -> None:
        """Duplicate ids, circles, contradicting kinds and parents, spans without a duration."""
        events = [
            line(service, at, event_id=f"{n:032x}", span_id=name, parent_span_id=parent, kind=kind, duration=took,
                 links=(Link(TRANSACTION, parent),) if n % 5 == 0 else (), attributes={"peer.service": "p"})
            for n, (service, name, parent, kind, at, took) in enumerate(rows)
        ]  # fmt: skip
        path = build_path(events)
        assert sorted(e.event_id for i in path.invocations for e in i.events) == [e.event_id for e in events]
        assert [call.child for call in path.calls] == [invocation.id for invocation in path.invocations]
        parent = {call.child: call.parent for call in path.calls}
        for child in parent:
            seen, node = set(), child
            while node is not None:
                assert node not in seen
                seen.add(node)
                node = parent[node]
        random.Random(seed).shuffle(events)
        assert build_path(events) == path


@pytest.mark.parametrize("shape", ["deep", "wide"])
def test_huge_transactions(shape: str) -> None:
    """10,000 calls one below the other, 50,000 below one: no recursion, each with its caller."""
    count = 10_000 if shape == "deep" else 50_000
    spans = [span("s0", "0", kind="server", at=(0, 10 * count))]
    for n in range(1, count):
        parent = n - 1 if shape == "deep" else 0
        at = (n, 9 * count - n) if shape == "deep" else (n, n + 1)
        spans.append(span(f"s{n % 2 if shape == 'deep' else 1}", str(n), str(parent), "server", at=at))
    path = build_path(spans)
    assert [call.parent for call in path.calls[1:]] == [f"i{n if shape == 'deep' else 1}" for n in range(1, count)]


def test_an_id_that_thousands_share_takes_no_longer() -> None:
    """Each of 5,000 services has a span `x` and calls that name `x` as their parent: told apart by who wrote them."""
    count = 5_000
    spans = [span(f"s{n}", "x", kind="server", at=(n, n + 9)) for n in range(count)]
    spans += [span(f"s{n}", f"c{n}", "x", "client", at=(n + 1, n + 2)) for n in range(count)]
    spans += [
        span(f"t{n}", f"d{n}", "x", "server", at=(n, n + 1), links=(Link(TRANSACTION, "x"),)) for n in range(count)
    ]
    path = build_path(spans)
    assert {i.service[0]: len(i.span_ids) for i in path.invocations if not i.placeholder} == {"s": 2, "t": 1}
