"""The API over a store in memory: shapes, pages, limits, and every error."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from tests.recorded import RecordedMetrics
from tests.unit.query.events import FILE, SECOND, START, asking, event, store_of, write

from clew_agent.wire import ClockOffset, FileLedger, GivenUp, Heartbeat
from clew_collector.agents import SeenAgent
from clew_collector.audit import Audit, AuditedFile
from clew_collector.store.expression import ALL, Term
from clew_collector.store.memory import MemoryStore
from clew_query.api.intervals import choose_interval
from clew_query.api.stream import stream_events
from clew_query.backend import Backend

EVENTS = "/api/v1/events"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def get(store: MemoryStore, path: str, **parameters: Any) -> dict[str, Any]:
    async with asking(Backend(store=store)) as client:
        answer = await client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def refused(path: str, *, backend: Backend | None = None, **parameters: Any) -> tuple[int, dict[str, Any]]:
    async with asking(backend or Backend(store=await store_of(event(0)))) as client:
        answer = await client.get(path, params=parameters)
        return answer.status_code, answer.json()["error"]


class TestSearch:
    async def test_newest_first_with_total(self) -> None:
        store = await store_of(*(event(n) for n in range(5)))
        answer = await get(store, EVENTS, limit=2)
        assert [e["body"] for e in answer["events"]] == ["line 4", "line 3"]
        assert (answer["total"], answer["returned"], answer["truncated"]) == (5, 2, True)

    async def test_a_whole_answer_has_no_cursor(self) -> None:
        answer = await get(await store_of(event(0)), EVENTS, query="line", order="asc")
        assert (answer["truncated"], answer["cursor"], answer["total"]) == (False, None, 1)

    async def test_a_range_holds_its_beginning_and_not_its_end(self) -> None:
        store = await store_of(*(event(n) for n in range(5)))
        bounds = {"from": "2023-01-29T08:30:01Z", "to": "2023-01-29T08:30:03Z"}
        answer = await get(store, EVENTS, order="asc", **bounds)
        assert [e["body"] for e in answer["events"]] == ["line 1", "line 2"]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_pages_make_the_whole_also_while_others_write(self, order: str) -> None:
        rng = random.Random(7)
        # Many events at the same few times: the event id decides among them.
        known = [event(n, time=START + rng.randrange(4) * SECOND) for n in range(40)]
        store = await store_of(*known)
        seen: list[str] = []
        async with asking(Backend(store=store)) as client:
            cursor, n = "", 1000
            while cursor is not None:
                parameters = {"limit": 7, "order": order, "cursor": cursor}
                answer = (await client.get(EVENTS, params=parameters)).json()
                seen += [e["event_id"] for e in answer["events"]]
                cursor = answer["cursor"]
                # New ones arrive on both sides of the page.
                await write(store, [event(n, time=START - SECOND), event(n + 1, time=START + 9 * SECOND)])
                n += 2
        assert len(seen) == len(set(seen))
        expected = sorted(known, key=lambda e: (e.time, e.event_id), reverse=order == "desc")
        assert [i for i in seen if i in {e.event_id for e in known}] == [e.event_id for e in expected]

    @pytest.mark.parametrize(
        ("parameters", "says"),
        [
            ({"limit": 0}, "limit"),
            ({"limit": 10_001}, "limit"),
            ({"limit": "many"}, "limit"),
            ({"order": "sideways"}, "order"),
            ({"from": "noon"}, "from: `noon` is not a time"),
            ({"to": "2023-13-01"}, "to: `2023-13-01` is not a time"),
            ({"from": "now", "to": "now-1h"}, "from: lies behind"),
            ({"cursor": "!!!"}, "no cursor"),
            ({"cursor": "AAAA"}, "no cursor"),
            ({"cursor": "8J-YgA"}, "no cursor"),
        ],
    )
    async def test_a_parameter_that_does_not_hold_is_named(self, parameters: dict[str, Any], says: str) -> None:
        status, error = await refused(EVENTS, **parameters)
        assert status == 400
        assert says in error["message"]

    async def test_a_cursor_of_another_question_is_refused(self) -> None:
        store = await store_of(event(0), event(1))
        cursor = (await get(store, EVENTS, limit=1))["cursor"]
        for other in ({"query": "line"}, {"order": "asc"}):
            status, error = await refused(EVENTS, backend=Backend(store=store), cursor=cursor, **other)
            assert status == 400
            assert "another query" in error["message"]

    @pytest.mark.parametrize("path", ["", "/histogram", "/facets", "/stream"])
    async def test_a_query_that_does_not_parse_answers_with_the_position(self, path: str) -> None:
        status, error = await refused(f"{EVENTS}{path}", query="service:(a OR", field="host")
        assert (status, error["position"]) == (400, 13)
        assert error["message"]


class TestHistogram:
    async def test_counts_by_severity_and_no_bucket_is_left_out(self) -> None:
        store = await store_of(event(0), event(1, severity_number=17), event(59))
        answer = await get(store, f"{EVENTS}/histogram", buckets=60)
        assert answer["interval_ns"] == SECOND
        assert len(answer["buckets"]) == 60
        assert answer["buckets"][1] == {"start": "2023-01-29T08:30:01.000000000Z", "total": 1, "counts": {"error": 1}}
        assert answer["buckets"][2]["counts"] == {}
        assert answer["total"] == sum(bucket["total"] for bucket in answer["buckets"]) == 3

    async def test_what_lies_before_the_range_in_its_first_bucket_is_not_counted(self) -> None:
        store = await store_of(*(event(n) for n in range(100)))
        bounds = {"from": "2023-01-29T08:30:07Z", "to": "2023-01-29T08:31:07Z"}
        answer = await get(store, f"{EVENTS}/histogram", buckets=10, **bounds)
        assert answer["interval_ns"] == 10 * SECOND
        assert answer["buckets"][0]["start"] == "2023-01-29T08:30:00.000000000Z"
        assert answer["buckets"][0]["total"] == 3
        assert answer["total"] == 60

    async def test_of_nothing_is_empty(self) -> None:
        answer = await get(MemoryStore(), f"{EVENTS}/histogram")
        assert answer == {"from": None, "to": None, "interval_ns": 0, "total": 0, "buckets": []}

    async def test_a_clock_from_1970_does_not_break_it(self) -> None:
        store = await store_of(event(0, time=0), event(1, time=4_102_444_800 * SECOND))
        answer = await get(store, f"{EVENTS}/histogram", buckets=60)
        assert answer["total"] == 2
        assert len(answer["buckets"]) <= 60

    @pytest.mark.parametrize("buckets", [1, 2, 7, 60, 1000])
    def test_an_interval_is_round_and_gives_no_more_buckets_than_asked(self, buckets: int) -> None:
        rng = random.Random(buckets)
        for _ in range(300):
            start = rng.randrange(-(1 << 62), 1 << 62) if buckets > 60 else START + rng.randrange(10**12)
            end = start + 1 + rng.randrange(10 ** rng.randrange(1, 17))
            interval = choose_interval(start, end, buckets)
            pieces = -(-end // interval) - start // interval
            assert pieces <= max(buckets, 2)


class TestFacets:
    async def test_most_frequent_first(self) -> None:
        store = await store_of(event(0), event(1, service="payments"), event(2, service="payments"))
        answer = await get(store, f"{EVENTS}/facets", field="service")
        assert answer == {
            "field": "service",
            "values": [{"value": "payments", "count": 2}, {"value": "orders", "count": 1}],
            "total": 3,
        }

    async def test_of_an_attribute(self) -> None:
        store = await store_of(event(0, attributes={"status": 500}), event(1, attributes={"status": 200}), event(2))
        answer = await get(store, f"{EVENTS}/facets", field="status", query="status>=500")
        assert (answer["values"], answer["total"]) == ([{"value": "500", "count": 1}], 1)

    @pytest.mark.parametrize("field", ["body", "time", "offset", "severity"])
    async def test_a_field_that_is_no_keyword_has_none(self, field: str) -> None:
        status, error = await refused(f"{EVENTS}/facets", field=field)
        assert status == 400
        assert field in error["message"]

    async def test_the_field_must_be_given(self) -> None:
        status, error = await refused(f"{EVENTS}/facets")
        assert (status, error["message"]) == (400, "field: Field required")


class TestSurrounding:
    async def test_lines_stand_in_file_order_whatever_their_times(self) -> None:
        lines = [event(n, time=START - n * SECOND) for n in range(10)]
        other = event(4, file=bytes(10))
        store = await store_of(*lines, other)
        path = f"{EVENTS}/{lines[5].event_id}/surrounding"
        answer = await get(store, path, before=2, after=3)
        assert answer["event"]["event_id"] == lines[5].event_id
        assert [e["offset"] for e in answer["before"]] == [30, 40]
        assert [e["offset"] for e in answer["after"]] == [60, 70, 80]

    async def test_it_ends_with_the_file(self) -> None:
        store = await store_of(event(0), event(1))
        answer = await get(store, f"{EVENTS}/{event(0).event_id}/surrounding", before=20, after=20)
        assert (len(answer["before"]), len(answer["after"])) == (0, 1)

    async def test_lines_far_away_are_found(self) -> None:
        """A line of 100 MB between them that was given up."""
        near, far = event(0), event(20_000_000)
        store = await store_of(near, far)
        answer = await get(store, f"{EVENTS}/{far.event_id}/surrounding", before=1, after=0)
        assert [e["event_id"] for e in answer["before"]] == [near.event_id]
        answer = await get(store, f"{EVENTS}/{near.event_id}/surrounding", before=0, after=1)
        assert [e["event_id"] for e in answer["after"]] == [far.event_id]

    async def test_the_nearest_of_very_many_are_found(self) -> None:
        """After a gap, 12,000 lines in fewer bytes than the next look takes in."""
        last = event(14_000)
        store = await store_of(*(event(n) for n in range(12_000)), last)
        answer = await get(store, f"{EVENTS}/{last.event_id}/surrounding", before=2, after=0)
        assert [e["body"] for e in answer["before"]] == ["line 11998", "line 11999"]

    async def test_an_event_from_no_file_has_its_writers_others_around_it(self) -> None:
        own = [event(n, source="", event_id=f"{n * 7919 % 10:032x}", offset=0) for n in range(5)]
        others = [event(2), event(2, source="", event_id="f" * 32, service="billing")]
        answer = await get(await store_of(*own, *others), f"{EVENTS}/{own[2].event_id}/surrounding", before=1, after=9)
        assert [e["body"] for e in answer["before"]] == ["line 1"]
        assert [e["body"] for e in answer["after"]] == ["line 3", "line 4"]

    async def test_an_unknown_event_is_not_found(self) -> None:
        status, error = await refused(f"{EVENTS}/{FILE.hex()}ffffffffffff/surrounding")
        assert status == 404
        assert "there is no event" in error["message"]


class TestTransactions:
    async def test_the_path_and_its_lines(self) -> None:
        lines = [event(n, transaction_id=TRACE, transaction_origin="line", aliases=("order/17",)) for n in range(2)]
        store = await store_of(*lines, event(2))
        for name in (TRACE, TRACE.upper(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "order/17"):
            answer = await get(store, f"/api/v1/transactions/{name}")
            assert answer["transaction_id"] == TRACE
            assert (answer["total"], answer["returned"], answer["truncated"]) == (2, 2, False)
            assert [e["body"] for e in answer["events"]] == ["line 0", "line 1"]
            assert {e["invocation"] for e in answer["events"]} == {i["id"] for i in answer["invocations"]}

    async def test_an_unknown_one_is_not_found(self) -> None:
        status, error = await refused(f"/api/v1/transactions/{TRACE}")
        assert status == 404
        assert TRACE in error["message"]
        assert error["hint"]

    async def test_all_of_them_page_by_page(self) -> None:
        names = [f"{n:032x}" for n in range(1, 8)]
        store = await store_of(*(event(n, transaction_id=i, transaction_origin="line") for n, i in enumerate(names)))
        seen: list[str] = []
        after = ""
        while after is not None:
            answer = await get(store, "/api/v1/transactions", ids=True, after=after, limit=3)
            seen += [row["transaction_id"] for row in answer["transactions"]]
            after = answer["cursor"]
        assert seen == names


class TestServices:
    async def test_who_wrote_where_and_when(self) -> None:
        store = await store_of(event(0), event(1, severity_number=17, host="h2"), event(2, service="payments"))
        answer = await get(store, "/api/v1/services")
        assert answer["services"] == [
            {
                "service": "orders",
                "events": 2,
                "errors": 1,
                "hosts": ["h1", "h2"],
                "first": "2023-01-29T08:30:00.000000000Z",
                "last": "2023-01-29T08:30:01.000000000Z",
            },
            {
                "service": "payments",
                "events": 1,
                "errors": 0,
                "hosts": ["h1"],
                "first": "2023-01-29T08:30:02.000000000Z",
                "last": "2023-01-29T08:30:02.000000000Z",
            },
        ]
        assert answer["truncated"] is False


class TestAgents:
    async def test_what_each_said_and_how_far_it_is_behind(self) -> None:
        ledger = FileLedger(
            file_id=FILE.hex(), path="/a", host="h1", service="orders", first=0, seen=100, shipped=80, acknowledged=70
        )
        beat = Heartbeat(
            agent_id="a1", host="h1", version="0.1.0", sent_ns=START, started_ns=START, files=(ledger,), errors={}
        )
        backend = Backend(store=MemoryStore(), agents=lambda: [SeenAgent(beat, START + SECOND)])
        async with asking(backend) as client:
            (agent,) = (await client.get("/api/v1/agents")).json()["agents"]
        assert (agent["agent_id"], agent["lag_bytes"]) == ("a1", 30)
        assert agent["last_seen"] == "2023-01-29T08:30:01.000000000Z"
        assert agent["files"][0]["acknowledged"] == 70

    async def test_for_how_long_bytes_wait_what_was_given_up_and_how_far_the_clock_is_off(self) -> None:
        lost = (GivenUp(0, 5, "truncated"), GivenUp(9, 10, "truncated"), GivenUp(20, 22, "deleted"))
        files = (
            FileLedger(file_id="1", path="/a", host="h1", service="s", seen=9, acknowledged=9, given_up=lost),
            FileLedger(file_id="2", path="/b", host="h1", service="s", seen=9, behind_since_ns=START - 4 * SECOND),
            FileLedger(file_id="3", path="/c", host="h1", service="s", seen=9, behind_since_ns=START - 2 * SECOND),
        )
        clock = ClockOffset(offset_ns=-7, uncertainty_ns=3, measured_ns=START)
        seen = 4_000_000_000 * SECOND  # not yet: no time has passed since
        beat = Heartbeat(agent_id="a1", host="h1", version="0", sent_ns=START, started_ns=0, files=files, clock=clock)
        async with asking(Backend(store=MemoryStore(), agents=lambda: [SeenAgent(beat, seen)])) as client:
            (agent,) = (await client.get("/api/v1/agents")).json()["agents"]
        assert agent["lag_s"] == 4
        assert agent["given_up"] == {"truncated": 6, "deleted": 2}
        assert agent["clock"] == {
            "offset_ns": -7, "uncertainty_ns": 3, "measured": "2023-01-29T08:30:00.000000000Z",
        }  # fmt: skip

    async def test_an_agent_that_keeps_up_and_has_no_clock_says_so(self) -> None:
        beat = Heartbeat(agent_id="a1", host="h1", version="0", sent_ns=START, started_ns=0)
        async with asking(Backend(store=MemoryStore(), agents=lambda: [SeenAgent(beat, START)])) as client:
            (agent,) = (await client.get("/api/v1/agents")).json()["agents"]
        assert (agent["lag_s"], agent["given_up"], agent["clock"]) == (0, {}, None)

    async def test_what_agents_measured_corrects_paths(self) -> None:
        ahead = 500_000_000
        events = [
            event(0, transaction_id=TRACE, transaction_origin="line", host="h1"),
            event(1, transaction_id=TRACE, transaction_origin="line", host="h2", service="pay", file=bytes(10)),
        ]
        clock = ClockOffset(offset_ns=ahead, uncertainty_ns=1000, measured_ns=START)
        beat = Heartbeat(agent_id="a2", host="h2", version="0", sent_ns=START, started_ns=0, clock=clock)
        backend = Backend(store=await store_of(*events), agents=lambda: [SeenAgent(beat, START)])
        async with asking(backend) as client:
            answer = (await client.get(f"/api/v1/transactions/{TRACE}")).json()
        clocks = {one["host"]: one for one in answer["clock"]}
        assert (clocks["h2"]["offset_ns"], clocks["h2"]["origin"]) == (ahead, "agent")
        (pay,) = [one for one in answer["invocations"] if one["service"] == "pay"]
        assert (pay["raw_start"], pay["start"]) == (
            "2023-01-29T08:30:01.000000000Z", "2023-01-29T08:30:00.500000000Z",
        )  # fmt: skip

    async def test_the_audit_says_which_file_lacks_what(self) -> None:
        row = AuditedFile(
            FILE.hex(), "/a", "h1", "orders", acknowledged=70, logged=70, stored=60, missing=10, doubled=0, given_up=0
        )

        async def account() -> Audit:
            return Audit((row,))

        async with asking(Backend(store=MemoryStore(), audit=account)) as client:
            answer = (await client.get("/api/v1/audit")).json()
        assert answer["clean"] is False
        assert answer["files"][0]["missing"] == 10


class TestAlerts:
    class View:
        async def alerts(self) -> list[dict[str, Any]]:
            return [{"rule": "r", "state": "firing"}]

        async def rules(self) -> list[dict[str, Any]]:
            return [{"name": "r"}]

    async def test_are_passed_on(self) -> None:
        async with asking(Backend(store=MemoryStore(), alerts=self.View())) as client:
            assert (await client.get("/api/v1/alerts")).json() == {"alerts": [{"rule": "r", "state": "firing"}]}
            assert (await client.get("/api/v1/rules")).json() == {"rules": [{"name": "r"}]}


class TestWhatIsNotThere:
    @pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/rules", "/api/v1/audit", f"{EVENTS}/stream"])
    async def test_a_part_that_is_missing_is_named(self, path: str) -> None:
        status, error = await refused(path)
        assert status == 503
        assert error["message"]
        assert error["hint"]

    async def test_an_unknown_path_is_not_found_in_the_same_form(self) -> None:
        status, error = await refused("/api/v1/nothing")
        assert (status, error["message"]) == (404, "there is nothing at /api/v1/nothing")

    async def test_another_method_is_refused_in_the_same_form(self) -> None:
        async with asking(Backend(store=MemoryStore())) as client:
            answer = await client.post(EVENTS)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert answer.json()["error"]["message"] == "Method Not Allowed"

    async def test_a_failure_nobody_thought_of_is_500_in_the_same_form(self) -> None:
        class Broken(MemoryStore):
            async def get(self, event_id: str) -> None:
                raise RuntimeError(event_id)

        status, error = await refused(f"{EVENTS}/{FILE.hex()}/surrounding", backend=Backend(store=Broken()))
        assert status == 500
        assert "RuntimeError" in error["message"]


class TestHealth:
    async def test_alive_and_ready(self) -> None:
        async with asking(Backend(store=MemoryStore())) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/readyz")).json() == {"status": "ok", "problems": []}

    async def test_not_ready_says_why(self) -> None:
        async def problems() -> list[str]:
            return ["The consumer is not running."]

        async with asking(Backend(store=MemoryStore(), problems=problems)) as client:
            answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["problems"] == ["The consumer is not running."]

    async def test_metrics_are_prometheus_text(self) -> None:
        async with asking(Backend(store=MemoryStore())) as client:
            answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")

    async def test_requests_are_counted_by_route(self) -> None:
        metrics = RecordedMetrics()
        async with asking(Backend(store=await store_of(event(0))), metrics=metrics) as client:
            await client.get(f"/api/v1/transactions/{TRACE}")
            await client.get(EVENTS)
            await client.get("/healthz")
        route = "/api/v1/transactions/{transaction_id:path}"
        assert metrics.counts == {
            ("clew_query_requests", (("route", route), ("status", "404"))): 1,
            ("clew_query_requests", (("route", EVENTS), ("status", "200"))): 1,
        }


class Tail:
    """A live source whose subscription gives what it is told, then waits for ever."""

    def __init__(self, *batches: tuple[int, list[Any]]) -> None:
        self.batches = list(batches)
        self.open = 0
        self._dropped = 0

    def subscribe(self) -> Tail:
        return self

    def __enter__(self) -> Tail:
        self.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.open -= 1

    async def next(self, timeout_s: float) -> list[Any]:
        if not self.batches:
            await asyncio.Event().wait()
        self._dropped, events = self.batches.pop(0)
        return events

    def take_dropped(self) -> int:
        return self._dropped


class TestStream:
    async def test_gives_what_matches_says_what_was_dropped_and_keeps_the_line_open(self) -> None:
        tail = Tail((0, [event(0), event(1, service="payments")]), (3, [event(2)]), (0, []))
        stream = stream_events(tail, Term("service", "orders"))
        parts = [await anext(stream) for _ in range(5)]
        await stream.aclose()
        assert parts[0].startswith(b":")
        assert parts[1].count(b"event: event\ndata: ") == 1
        assert json.loads(parts[1].split(b"data: ")[1])["body"] == "line 0"
        assert parts[2] == b'event: dropped\ndata: {"count":3}\n\n'
        assert b"line 2" in parts[3]
        assert parts[4].startswith(b":")
        assert tail.open == 0

    async def test_too_many_tails_are_an_error_and_no_broken_stream(self) -> None:
        from clew_collector.live import Broadcast

        live = Broadcast(RecordedMetrics(), events_max=10, subscriptions_max=0)
        status, error = await refused(f"{EVENTS}/stream", backend=Backend(store=MemoryStore(), live=live))
        assert status == 503
        assert "live tails" in error["message"]

    async def test_everything_is_followed_without_a_query(self) -> None:
        stream = stream_events(Tail((0, [event(0)])), ALL)
        await anext(stream)
        assert b"line 0" in await anext(stream)
        await stream.aclose()


async def test_every_route_is_documented() -> None:
    async with asking(Backend(store=MemoryStore())) as client:
        document = (await client.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            for parameter in operation.get("parameters", []):
                assert parameter.get("description") or parameter["schema"].get("title"), (path, parameter)
