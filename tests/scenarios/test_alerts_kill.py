"""A real engine process, killed with SIGKILL around firing and resolving: its receiver is told each exactly once.

Run as a program, this file is that process: an alert engine on a book in a file, over a store that holds the same
traffic each time. `payments` is healthy, then fails, then is healthy again; only what lies before the clock counts.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.metrics import NoOpMeter

from clew_agent.metrics import Metrics
from clew_collector.event import Event
from clew_collector.store.expression import Range
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item
from clew_query.alerts import AlertEngine, RuleSet, delayed_clock
from clew_query.demo.sink import WebhookSink

SECOND = 1_000_000_000
HEALTHY_BEFORE_S, FAILS_FROM_S, FAILS_UNTIL_S, ENDS_S = -2.0, 1.5, 7.0, 45.0
EVENTS_PER_S = 30
LIFE_MAX_S = 0.5
GIVE_UP_S = 60


class KillingSink(WebhookSink):
    """Kills the sender when something arrives for the first time: before it has the answer, so it must repeat."""

    def __init__(self) -> None:
        self.kill: Callable[[], None] = lambda: None
        super().__init__()

    def take(self, notification: dict[str, Any]) -> None:
        before = len(self.received)
        super().take(notification)
        if len(self.received) > before:
            self.kill()


class EngineProcess:
    """The engine as a process that is started again whenever it was killed."""

    def __init__(self, book: Path, url: str) -> None:
        self._arguments = [sys.executable, __file__, str(book), url, str(time.time_ns())]
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it, and return when it evaluates."""
        self._process = subprocess.Popen(self._arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.starts += 1

    def lives_after(self, seconds: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        assert self._process.returncode == -9, "the engine ended by itself"
        return False

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, 9)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


def test_killed_at_random_it_tells_one_fire_and_one_resolve(tmp_path: Path) -> None:
    rng = random.Random(1)
    with WebhookSink() as sink:
        engine = EngineProcess(tmp_path / "alerts.sqlite", sink.url)
        deadline = time.monotonic() + GIVE_UP_S
        try:
            while len(sink.received) < 2 and time.monotonic() < deadline:
                engine.start()
                engine.lives_after(rng.random() * LIFE_MAX_S)
                engine.kill()
                engine.end()
            told = _let_it_run(engine, sink)
        finally:
            engine.end()

    assert engine.starts > 2, "nothing was killed while it went on"
    _assert_told_once(told)


def test_killed_before_it_has_the_answer_it_repeats_under_the_same_id(tmp_path: Path) -> None:
    with KillingSink() as sink:
        engine = EngineProcess(tmp_path / "alerts.sqlite", sink.url)
        sink.kill = engine.kill
        deadline = time.monotonic() + GIVE_UP_S
        try:
            while len(sink.received) < 2 and time.monotonic() < deadline:
                engine.start()
                while len(sink.received) < 2 and engine.lives_after(0.1) and time.monotonic() < deadline:
                    pass
                engine.end()
            told = _let_it_run(engine, sink)
        finally:
            engine.end()

    assert sink.repeats == 2
    _assert_told_once(told)


def _let_it_run(engine: EngineProcess, sink: WebhookSink) -> list[dict[str, Any]]:
    """Run once more undisturbed: whatever stands in the outbox arrives, and nothing new."""
    engine.start()
    assert engine.lives_after(LIFE_MAX_S)
    return sink.received


def _assert_told_once(told: list[dict[str, Any]]) -> None:
    assert [(n["rule"], n["service"], n["status"]) for n in told] == [
        ("errors", "payments", "firing"),
        ("errors", "payments", "resolved"),
    ]
    fired, resolved = told
    assert fired["starts_at"] == resolved["starts_at"] < resolved["ends_at"]
    assert fired["value"] > 0.1 >= resolved["value"]
    assert fired["notification_id"] != resolved["notification_id"]


async def _traffic(began_ns: int) -> MemoryStore:
    store = MemoryStore()
    items = []
    for number in range(round((ENDS_S - HEALTHY_BEFORE_S) * EVENTS_PER_S)):
        at_s = HEALTHY_BEFORE_S + number / EVENTS_PER_S
        fails = FAILS_FROM_S <= at_s < FAILS_UNTIL_S and number % 2 == 0
        event = Event(
            event_id=f"{number:032x}", timestamp=began_ns + round(at_s * SECOND), observed_timestamp=0,
            severity_number=17 if fails else 9, service="payments", host="h", source="/f", offset=number, length=1,
            transaction_id="a" * 32, transaction_origin="line",
        )  # fmt: skip
        items.append(Item(number + 1, event))
    await store.write(items)
    await store.flush()
    return store


async def _run(book: Path, url: str, began_ns: int) -> None:
    rule = {"name": "errors", "threshold": 0.1, "window": "1s", "for": "300ms", "interval": "50ms", "notify": ["sink"]}
    engine = await AlertEngine.open(
        book,
        RuleSet.model_validate({"rules": [rule], "webhooks": [{"name": "sink", "url": url}]}),
        await _traffic(began_ns),
        compile_query=lambda _: Range("severity_number", 17),
        metrics=Metrics(NoOpMeter("test")),
        watermark=delayed_clock(time.time_ns, 0.1),
    )
    print("evaluating", flush=True)
    try:
        await engine.run()
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
