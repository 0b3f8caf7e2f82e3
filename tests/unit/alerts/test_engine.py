"""The engine over a memory store: measures, decides, keeps, tells."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clew_agent.errors import ClewError
from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.expression import Expression, Range
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import FacetValue, Item
from clew_query.alerts.book import AlertKey, MemoryAlertBook, Outgoing
from clew_query.alerts.decide import AlertState
from clew_query.alerts.engine import AlertEngine
from clew_query.alerts.measure import StoreCounts, measure
from clew_query.alerts.rule import CompiledRule, Rule, RuleSet
from clew_query.alerts.sender import Sender
from clew_query.errors import AlertBookError

SECOND = 1_000_000_000
RULE = {
    "name": "errors",
    "threshold": 0.1,
    "recovery": 0.05,
    "window": "10s",
    "for": "0s",
    "min_events": 10,
    "notify": ["pager"],
}
WEBHOOKS = [{"name": "pager", "url": "http://receiver/"}]


class Bench:
    """A store to fill, a clock to move, and the receiver of what is told."""

    def __init__(self, receiver, metrics, path: Path | None = None) -> None:
        self.store = MemoryStore()
        self.receiver, self.metrics, self.path = receiver, metrics, path
        self.now_s = 0
        self.known = True
        self._written = 0

    async def write(self, service: str, *, events: int, errors: int) -> None:
        """Write events at the present second, the first `errors` of them with severity error."""
        items = []
        for i in range(events):
            self._written += 1
            event = Event(
                event_id=f"{self._written:032x}", timestamp=self.now_s * SECOND, observed_timestamp=0,
                severity_number=17 if i < errors else 9, service=service, host="h", source="/f", offset=self._written,
                length=1, transaction_id="a" * 32, transaction_origin="line",
            )  # fmt: skip
            items.append(Item(self._written, event))
        await self.store.write(items)
        await self.store.flush()

    @asynccontextmanager
    async def engine(self, *, rules: Sequence[Mapping[str, object]] = (RULE,), **more) -> AsyncIterator[AlertEngine]:
        engine = await AlertEngine.open(
            self.path,
            RuleSet.model_validate({"rules": rules, "webhooks": WEBHOOKS}),
            self.store,
            compile_query=lambda _: Range("severity_number", 17),
            metrics=self.metrics,
            watermark=self.watermark,
            clock=lambda: self.now_s * SECOND,
            notifier=lambda _: self.receiver,
            **more,
        )
        try:
            yield engine
        finally:
            await engine.close()

    async def deliver(self, engine: AlertEngine, count: int) -> None:
        """Let the engine run until so many more notifications arrived."""
        running = asyncio.create_task(engine.run())
        await self.receiver.receive(count)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def watermark(self) -> int | None:
        return self.now_s * SECOND + 1 if self.known else None


@pytest.fixture
def bench(receiver_of: Callable, metrics) -> Bench:
    return Bench(receiver_of(), metrics)


@pytest.fixture
def kept(receiver_of: Callable, metrics, tmp_path: Path) -> Bench:
    return Bench(receiver_of(), metrics, tmp_path / "alerts.sqlite")


async def phases(engine: AlertEngine) -> dict[str, str]:
    return {row["service"]: row["state"] for row in await engine.alerts()}


class TestEvaluation:
    async def test_each_service_is_judged_apart(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=50)
        await bench.write("orders", events=100, errors=10)
        async with bench.engine() as engine:
            await engine.evaluate("errors")

            [alert] = await engine.alerts()
            [rule] = await engine.rules()

        assert {key: alert[key] for key in ("rule", "service", "state", "value", "events", "errors")} == {
            "rule": "errors", "service": "payments", "state": "firing", "value": 0.5, "events": 100, "errors": 50,
        }  # fmt: skip
        assert (rule["health"], rule["for"], rule["window"]) == ("ok", "0s", "10s")
        assert {g["service"]: g["state"] for g in rule["groups"]} == {"payments": "firing", "orders": "inactive"}

    async def test_events_outside_the_window_do_not_count(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=50)
        bench.now_s = 11
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            assert await phases(engine) == {}

    async def test_late_events_are_counted_when_they_come(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=0)
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            await bench.write("payments", events=100, errors=100)
            await engine.evaluate("errors")
            assert await phases(engine) == {"payments": "firing"}

    async def test_silence_keeps_an_alert(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=50)
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            bench.now_s = 100
            await engine.evaluate("errors")
            [alert] = await engine.alerts()
        assert (alert["state"], alert["value"]) == ("firing", 0.5)
        assert "0 events" in alert["note"]

    async def test_a_group_without_events_that_is_no_alert_is_forgotten(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=0)
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            bench.now_s = 100
            await engine.evaluate("errors")
            [rule] = await engine.rules()
        assert rule["groups"] == []

    async def test_more_groups_than_are_measured_are_said_to_be_there(self, bench: Bench) -> None:
        for service in "abc":
            await bench.write(service, events=20, errors=20)
        async with bench.engine(groups_max=2) as engine:
            await engine.evaluate("errors")
            [rule] = await engine.rules()
        assert (rule["groups_complete"], [g["service"] for g in rule["groups"]]) == (False, ["a", "b"])

    async def test_nothing_is_decided_before_the_watermark_is_known(self, bench: Bench) -> None:
        await bench.write("payments", events=100, errors=50)
        bench.known = False
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            [rule] = await engine.rules()
        assert (rule["health"], rule["evaluated"]) == ("unknown", None)


class TestFailures:
    async def test_a_store_that_fails_keeps_the_state_and_is_noted(self, receiver_of, metrics) -> None:
        class Failing(MemoryStore):
            broken = False

            async def facet(self, expression: Expression, field: str, **more) -> list[FacetValue]:
                if self.broken:
                    raise StoreError("the disk is gone")
                return await super().facet(expression, field, **more)

        bench = Bench(receiver_of(), metrics)
        bench.store = Failing()
        await bench.write("payments", events=100, errors=50)
        async with bench.engine() as engine:
            await engine.evaluate("errors")
            Failing.broken = True
            await engine.evaluate("errors")
            [alert], [rule] = await engine.alerts(), await engine.rules()

        assert (alert["state"], rule["health"], rule["error"]) == ("firing", "error", "the disk is gone")
        assert metrics.counted == [("clew_alerts_evaluations", r) for r in ("ok", "error")]

    async def test_a_change_that_cannot_be_kept_is_not_made_and_not_told(self, bench: Bench, metrics) -> None:
        class Full(MemoryAlertBook):
            full = True

            async def record(
                self, changes: Mapping[AlertKey, AlertState], outgoing: Sequence[Outgoing], *, now_ns: int
            ) -> None:
                if self.full:
                    raise AlertBookError("the disk is full")
                await super().record(changes, outgoing, now_ns=now_ns)

        await bench.write("payments", events=100, errors=50)
        book = Full()
        engine = AlertEngine(
            (CompiledRule(Rule.model_validate(RULE), errors=Range("severity_number", 17)),),
            counts=StoreCounts(bench.store), book=book, notifiers=(), watermark=bench.watermark, metrics=metrics,
            sender=Sender(book, {}, metrics=metrics, clock=lambda: 0), clock=lambda: 0,
        )  # fmt: skip
        await engine.evaluate("errors")
        assert (await phases(engine), await book.heads()) == ({}, {})

        book.full = False
        await engine.evaluate("errors")
        assert await phases(engine) == {"payments": "firing"}
        assert list(await book.heads()) == ["pager"]

    async def test_a_query_that_does_not_parse_leaves_nothing_open(self, kept: Bench) -> None:
        with pytest.raises(ClewError):
            await AlertEngine.open(
                kept.path.parent / "missing" / "alerts.sqlite",
                RuleSet(), kept.store, compile_query=lambda _: Range("severity_number"), metrics=kept.metrics,
            )  # fmt: skip
        assert not list(kept.path.parent.iterdir())


class TestRestart:
    async def test_a_firing_alert_goes_on_and_resolves_once(self, kept: Bench) -> None:
        await kept.write("payments", events=100, errors=50)
        async with kept.engine() as engine:
            await engine.evaluate("errors")
        async with kept.engine() as engine:
            assert await phases(engine) == {"payments": "firing"}
            kept.now_s = 20
            await kept.write("payments", events=100, errors=0)
            await engine.evaluate("errors")
            await engine.evaluate("errors")
            await kept.deliver(engine, 2)
            assert await engine.alerts() == []

        assert [told.status for told in kept.receiver.received] == ["firing", "resolved"]
        fired, resolved = kept.receiver.received
        assert fired.starts_at == resolved.starts_at < resolved.ends_at
        assert kept.receiver.closed

    async def test_an_alert_whose_rule_is_gone_resolves(self, kept: Bench) -> None:
        await kept.write("payments", events=100, errors=50)
        async with kept.engine() as engine:
            await engine.evaluate("errors")
        async with kept.engine(rules=[]) as engine:
            assert await engine.alerts() == []
            await kept.deliver(engine, 2)
        async with kept.engine(rules=[]) as engine:
            assert await engine.alerts() == []

        assert [(told.status, told.reason) for told in kept.receiver.received] == [
            ("firing", ""),
            ("resolved", "The rule is no longer there."),
        ]


async def test_running_evaluates_and_delivers(bench: Bench) -> None:
    await bench.write("payments", events=100, errors=50)
    async with bench.engine() as engine:
        await bench.deliver(engine, 1)

    assert [told.service for told in bench.receiver.received] == ["payments"]


async def test_a_group_that_might_have_errors_is_not_taken_for_healthy() -> None:
    class Counts:
        async def group(self, rule: CompiledRule, *, errors: bool, start: int, end: int, limit: int) -> dict[str, int]:
            return {"b": 50, "c": 49} if errors else {"a": 200, "b": 100, "c": 90}

    measured = await measure(Counts(), CompiledRule(Rule(name="r")), 10**12, groups_max=2)

    assert (list(measured.groups), measured.complete) == (["b"], False)
