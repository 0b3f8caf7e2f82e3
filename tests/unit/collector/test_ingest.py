"""The ingest API over memory parts: what each answer means, and that nothing is stored with a refusal."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.chunks import FILE_B, chunk_of, numbered
from tests.plain_normaliser import PlainNormaliser
from tests.recorded import RecordedMetrics

from clew_agent.wire import (
    CHUNKS_PATH,
    HEARTBEAT_PATH,
    TIME_PATH,
    Chunk,
    Heartbeat,
    TimeAnswer,
    encode_chunk,
    encode_frames,
)
from clew_collector.agents import Agents
from clew_collector.errors import LogError
from clew_collector.log.memory import MemoryLog
from clew_collector.log.protocol import Appended
from clew_collector.service import Collector, create_collector_app
from clew_collector.settings import CollectorSettings
from clew_collector.store.memory import MemoryStore

Make = Callable[..., Collector]


class FailingLog(MemoryLog):
    """Takes nothing."""

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        raise LogError("the disk is gone", hint="look for it")


class SlowLog(MemoryLog):
    """Takes chunks when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        self.asked.set()
        await self.go_on.wait()
        return await super().append(chunks, encoded=encoded)


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Collector] = []

    def _make(log: MemoryLog | None = None, **settings: Any) -> Collector:
        collector = Collector(
            settings=CollectorSettings(data=Path("nowhere"), **settings),
            metrics=RecordedMetrics(),
            log=log or MemoryLog(),
            store=MemoryStore(),
            agents=Agents.in_memory(),
            normaliser=PlainNormaliser(),
        )
        made.append(collector)
        return collector

    yield _make
    for collector in made:
        await collector.close()


def client(collector: Collector) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_collector_app(collector))
    return httpx.AsyncClient(transport=transport, base_url="http://collector")


def body_of(*chunks: Chunk) -> bytes:
    return encode_frames([encode_chunk(chunk) for chunk in chunks])


async def post(collector: Collector, body: Any, path: str = CHUNKS_PATH, **headers: str) -> httpx.Response:
    async with client(collector) as http:
        return await http.post(path, content=body, headers=headers)


class TestChunks:
    async def test_are_in_the_log_when_it_says_so(self, make: Make) -> None:
        collector = make()
        answer = await post(collector, body_of(numbered(0, 3), numbered(0, 2, file=FILE_B)))
        assert (answer.status_code, answer.json()) == (200, {"accepted": 5, "duplicate": 0})
        records = await collector.log.read(0, bytes_max=1 << 20, wait_s=0)
        assert [r.chunk for r in records] == [numbered(0, 3), numbered(0, 2, file=FILE_B)]

    async def test_sent_twice_add_nothing(self, make: Make) -> None:
        collector = make()
        await post(collector, body_of(numbered(0, 3)))
        answer = await post(collector, body_of(numbered(0, 3)))
        assert answer.json() == {"accepted": 0, "duplicate": 3}
        assert await collector.log.end() == 1

    async def test_are_answered_only_after_the_log_has_them(self, make: Make) -> None:
        log = SlowLog()
        collector = make(log)
        asked = asyncio.create_task(post(collector, body_of(numbered(0, 3))))
        await log.asked.wait()
        assert not asked.done()
        log.go_on.set()
        assert (await asked).status_code == 200

    async def test_that_are_none_are_refused_with_all_that_came_with_them(self, make: Make) -> None:
        collector = make()
        answer = await post(collector, encode_frames([encode_chunk(numbered(0, 3)), b"CLW1 but no more"]))
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "hint"}
        assert await collector.log.end() == 0
        assert collector.metrics.counts["clew_ingest_refused", (("reason", "no_chunk"),)] == 1  # type: ignore[attr-defined]


class TestLimits:
    @pytest.mark.parametrize("with_length", [True, False])
    async def test_a_body_over_the_limit(self, make: Make, with_length: bool) -> None:
        collector = make(body_bytes_max=10_000)
        sent = 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield bytes(1000)

        answer = await post(collector, bytes(10_001) if with_length else parts())
        assert answer.status_code == 413
        assert "10000 bytes" in answer.json()["error"]["message"]
        assert sent <= 11
        assert await collector.log.end() == 0

    async def test_chunks_over_the_limit_once_decompressed(self, make: Make) -> None:
        collector = make(decoded_bytes_max=100_000)
        answer = await post(collector, body_of(chunk_of([b"a" * 99 + b"\n"] * 2000)))
        assert answer.status_code == 413
        assert await collector.log.end() == 0

    async def test_behind_is_429_until_the_store_has_caught_up(self, make: Make) -> None:
        collector = make(lag_bytes_max=1024)
        rng = random.Random(1)
        await post(collector, body_of(chunk_of([rng.randbytes(5000)])))
        answer = await post(collector, body_of(numbered(0, 3, file=FILE_B)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert await collector.log.end() == 1
        await collector.start()
        await collector.drain()
        assert (await post(collector, body_of(numbered(0, 3, file=FILE_B)))).status_code == 200

    async def test_too_much_under_way_is_429(self, make: Make) -> None:
        log = SlowLog()
        collector = make(log, body_bytes_max=3000, decoded_bytes_max=6000, in_flight_bytes_max=9000)
        async with client(collector) as http:
            large = body_of(chunk_of([random.Random(1).randbytes(2500)]))
            first = asyncio.create_task(http.post(CHUNKS_PATH, content=large))
            await log.asked.wait()
            second = await http.post(CHUNKS_PATH, content=body_of(chunk_of([random.Random(2).randbytes(2600)])))
            assert (second.status_code, second.headers["Retry-After"]) == (429, "1")
            log.go_on.set()
            assert (await first).status_code == 200
            assert (await http.post(CHUNKS_PATH, content=large)).json() == {"accepted": 0, "duplicate": 1}

    async def test_a_full_log_is_503(self, make: Make) -> None:
        collector = make(MemoryLog(bytes_max=10))
        answer = await post(collector, body_of(numbered(0, 3)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"]["hint"]

    async def test_a_log_that_fails_is_503(self, make: Make) -> None:
        answer = await post(make(FailingLog()), body_of(numbered(0, 3)))
        assert answer.status_code == 503
        assert answer.json() == {"error": {"message": "the disk is gone", "hint": "look for it"}}


class TestHeartbeat:
    BEAT = Heartbeat(agent_id="a", host="h", version="0", sent_ns=1, started_ns=0)

    @pytest.mark.parametrize("form", ["json", "msgpack"])
    async def test_is_kept(self, make: Make, form: str) -> None:
        collector = make()
        encode = msgspec.json.encode if form == "json" else msgspec.msgpack.encode
        answer = await post(collector, encode(self.BEAT), HEARTBEAT_PATH, **{"Content-Type": f"application/{form}"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert await collector.agents.heartbeats() == [self.BEAT]

    @pytest.mark.parametrize("body", [b"", b"{", b'{"agent_id": 1}', b"\xff\xfe"])
    async def test_that_is_none_is_refused(self, make: Make, body: bytes) -> None:
        collector = make()
        answer = await post(collector, body, HEARTBEAT_PATH, **{"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert await collector.agents.heartbeats() == []


class TestTime:
    async def test_is_told_by_the_collectors_clock(self, make: Make) -> None:
        before = time.time_ns()
        answer = await post(make(), b"", TIME_PATH)
        told = msgspec.json.decode(answer.content, type=TimeAnswer)
        assert before <= told.received_ns <= told.answered_ns <= time.time_ns()


class TestHealth:
    async def test_ready_only_while_it_consumes(self, make: Make) -> None:
        collector = make()
        async with client(collector) as http:
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (503, False)
            await collector.start()
            answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": []})

    async def test_metrics_are_given_out(self, make: Make) -> None:
        async with client(make()) as http:
            answer = await http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
