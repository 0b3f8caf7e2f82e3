"""The asking commands as processes: over a server on a real socket, and over its data directory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.chunks import FILE_A, source
from tests.recorded import RecordedMetrics

from clew_agent.wire import (
    CHUNKS_PATH,
    CONTENT_TYPE,
    HEARTBEAT_PATH,
    Chunk,
    FileLedger,
    Heartbeat,
    Origin,
    encode_chunk,
    encode_frames,
    pack_u32,
)
from clew_collector.ingest import ingest_router
from clew_collector.service import Collector
from clew_collector.serving import bind, served, url_of
from clew_collector.settings import CollectorSettings
from clew_query.api import create_app
from clew_query.backend import Backend

CLEW = [sys.executable, "-m", "clew_agent"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "00f067aa0ba902b74bf92f3577b34da6"


@dataclass
class Server:
    """Clew in this process, listening on a free port."""

    url: str
    data: Path
    collector: Collector
    end: int = 0

    async def take(self, *lines: dict[str, Any]) -> None:
        """Ship lines as an agent does, and return when they can be found."""
        texts = [json.dumps(line).encode() + b"\n" for line in lines]
        chunk = Chunk(
            source=source(),
            observed_ns=1_700_000_000_000_000_000,
            start=self.end,
            lengths=pack_u32([len(text) for text in texts]),
            payload=b"".join(texts),
            ids=b"".join(bytes.fromhex(line.get("trace_id", "0" * 32)) for line in lines),
            origins=bytes(Origin.LINE if "trace_id" in line else Origin.GENERATED for line in lines),
        )
        async with httpx.AsyncClient(base_url=self.url) as client:
            body = encode_frames([encode_chunk(chunk)])
            answer = await client.post(CHUNKS_PATH, content=body, headers={"Content-Type": CONTENT_TYPE})
            assert answer.status_code == 200, answer.text
        self.end = chunk.end
        await self.collector.drain()

    async def report(self, acknowledged: int) -> None:
        """Say, as an agent does, how far the file was acknowledged."""
        ledger = FileLedger(
            file_id=FILE_A.hex(), path="/var/log/a.log", host="h1", service="orders",
            seen=acknowledged, shipped=acknowledged, acknowledged=acknowledged,
        )  # fmt: skip
        beat = Heartbeat(agent_id="a1", host="h1", version="0", sent_ns=1, started_ns=1, files=(ledger,))
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.post(HEARTBEAT_PATH, content=msgspec.msgpack.encode(beat))
            assert answer.status_code == 204, answer.text


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = CollectorSettings(data=tmp_path / "data", flush_interval_s=0.02)
    metrics = RecordedMetrics()
    collector = await Collector.open(settings, metrics)
    try:
        await collector.start()
        app = create_app(
            Backend.of_collector(collector), metrics=metrics, routers=[ingest_router(collector)], page=False
        )
        with closing(bind("127.0.0.1:0")) as bound:
            async with served(app, bound):
                yield Server(url_of(bound), settings.data, collector)
    finally:
        await collector.close()


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@asynccontextmanager
async def started(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *CLEW, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "CLEW_SERVER"},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def clew(*arguments: str | Path) -> Done:
    async with started(*arguments) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())


class TestSearch:
    async def test_a_server_and_its_directory_give_the_same(self, server: Server) -> None:
        await server.take({"level": "error", "msg": "card declined", "status": 502}, {"level": "info", "msg": "ok"})
        asked = await clew("search", "severity>=error", "status>=500", "--json", "--server", server.url)
        read = await clew("search", "severity>=error", "status>=500", "--json", "--data", server.data)
        assert asked.code == read.code == 0
        assert asked.out == read.out
        assert [row["body"] for row in asked.rows] == ["card declined"]
        assert "1 of 1 events" in asked.err

    async def test_in_a_pipe_it_is_plain_text(self, server: Server) -> None:
        await server.take({"level": "error", "msg": "card declined", "trace_id": TRACE})
        done = await clew("search", "declined", "--server", server.url)
        assert "ERROR 4bf92f35 orders@h1 card declined\n" in done.out
        assert "\x1b" not in done.out

    async def test_more_than_a_page_is_paged(self, server: Server) -> None:
        await server.take(*({"msg": f"line {n}"} for n in range(2500)))
        done = await clew("search", "--json", "--limit", "2200", "--order", "asc", "--server", server.url)
        assert [row["body"] for row in done.rows] == [f"line {n}" for n in range(2200)]
        assert "2,200 of 2,500 events; more with --limit" in done.err

    async def test_a_query_that_does_not_parse_exits_1_with_a_caret(self, server: Server) -> None:
        done = await clew("search", "service:(a OR", "--server", server.url)
        assert (done.code, done.out) == (1, "")
        assert "  service:(a OR\n               ^" in done.err

    async def test_nobody_there_exits_1_with_a_hint(self, tmp_path: Path) -> None:
        with closing(bind("127.0.0.1:0")) as bound:
            url = url_of(bound)
        done = await clew("search", "--server", url)
        assert done.code == 1
        assert f"cannot reach Clew at {url}" in done.err
        assert "hint: start it" in done.err

    async def test_a_server_and_a_directory_at_once_are_refused(self, tmp_path: Path) -> None:
        done = await clew("search", "--server", "http://127.0.0.1:1", "--data", tmp_path)
        assert done.code == 2
        assert "not both" in done.err


class TestTransactions:
    async def test_are_listed_by_query_newest_first_from_a_server_and_its_directory(self, server: Server) -> None:
        await server.take(
            {"ts": "2026-11-24T10:00:00Z", "level": "error", "msg": "declined", "trace_id": TRACE},
            {"ts": "2026-11-24T10:00:03Z", "level": "info", "msg": "given up", "trace_id": TRACE},
            {"ts": "2026-11-24T10:00:05Z", "level": "info", "msg": "fine", "trace_id": OTHER},
        )
        everything = await clew("transactions", "--json", "--server", server.url)
        assert [row["transaction_id"] for row in everything.rows] == [OTHER, TRACE]
        asked = await clew("transactions", "error:true", "duration>2s", "--json", "--server", server.url)
        # What the server was asked for is written, so that a reader of its directory finds it, too.
        read = await clew("transactions", "error:true", "duration>2s", "--json", "--data", server.data)
        assert asked.code == read.code == 0
        assert asked.out == read.out
        assert [(row["transaction_id"], row["events"], row["errors"]) for row in asked.rows] == [(TRACE, 2, 1)]
        assert "1 of 1 transactions" in asked.err

    async def test_words_of_text_are_refused_with_a_caret(self, server: Server) -> None:
        done = await clew("transactions", "declined", "--server", server.url)
        assert (done.code, done.out) == (1, "")
        assert "  declined\n  ^" in done.err


class TestTrace:
    async def test_json_is_the_answer_of_the_api(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE}, {"msg": "two", "trace_id": TRACE}, {"msg": "three"})
        async with httpx.AsyncClient(base_url=server.url) as client:
            api = (await client.get(f"/api/v1/transactions/{TRACE}")).text
        for name in (TRACE, TRACE.upper()):
            done = await clew("trace", name, "--json", "--server", server.url)
            assert (done.code, done.out) == (0, api + "\n")
        read = await clew("trace", TRACE, "--json", "--data", server.data)
        assert read.out == api + "\n"

    async def test_draws_the_path_and_its_lines(self, server: Server) -> None:
        await server.take({"level": "error", "msg": "card declined", "trace_id": TRACE})
        done = await clew("trace", TRACE, "--lines", "--server", server.url)
        assert done.code == 0
        assert TRACE in done.out
        assert "orders@h1 card declined" in done.out

    async def test_why_says_why_each_edge_is_there(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE}, {"msg": "two", "trace_id": TRACE})
        done = await clew("trace", TRACE, "--why", "--server", server.url)
        assert "orders was almost certainly (p 0.95) called from outside: it wrote the first line." in done.out

    async def test_an_unknown_id_exits_1_and_the_others_are_shown(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE})
        done = await clew("trace", OTHER, TRACE, "--json", "--server", server.url)
        assert done.code == 1
        assert [row["transaction_id"] for row in done.rows] == [TRACE]
        assert f"nothing is known by the id {OTHER}" in done.err

    async def test_all_prints_every_transaction_once(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE}, {"msg": "two", "trace_id": OTHER}, {"msg": "three"})
        done = await clew("trace", "--all", "--data", server.data)
        assert [row["transaction_id"] for row in done.rows] == sorted([TRACE, OTHER])

    @pytest.mark.parametrize("arguments", [[], ["--all", TRACE]])
    async def test_ids_or_all_must_be_given(self, arguments: list[str]) -> None:
        done = await clew("trace", *arguments)
        assert done.code == 2
        assert "one or more ids, or --all" in done.err


class TestMap:
    async def test_a_server_and_its_directory_give_the_same(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE}, {"msg": "two", "trace_id": OTHER}, {"msg": "three"})
        asked = await clew("map", "--json", "--server", server.url)
        read = await clew("map", "--json", "--data", server.data)
        assert (asked.code, asked.out) == (0, read.out)
        [found] = asked.rows
        assert (found["lines"], found["transactions"], found["looked_at"], found["pending"]) == (3, 2, 2, 0)
        assert [(edge["from"], edge["to"], edge["calls"]) for edge in found["edges"]] == [(None, "orders", 2)]

    async def test_draws_the_calls(self, server: Server) -> None:
        await server.take({"msg": "one", "trace_id": TRACE})
        done = await clew("map", "--server", server.url)
        assert done.out.splitlines()[1].split()[:4] == ["outside", "──▶", "orders", "1"]
        assert "1 transaction, 1 service, " in done.out

    async def test_a_time_that_is_none_exits_1(self, server: Server) -> None:
        done = await clew("map", "--from", "yesterday", "--server", server.url)
        assert done.code == 1
        assert "from:" in done.err


class TestTail:
    async def test_prints_what_matches_as_it_comes_until_interrupted(self, server: Server) -> None:
        async with started("tail", "service:orders declined", "--json", "--server", server.url) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert await process.stderr.readline() == f"following {server.url}; Ctrl-C ends it\n".encode()
            await server.take({"msg": "ok"}, {"msg": "card declined"})
            assert json.loads(await process.stdout.readline())["body"] == "card declined"
            process.send_signal(signal.SIGINT)
            await process.communicate()
            assert process.returncode == 130
        async with asyncio.timeout(30):
            while server.collector.live.listened:  # noqa: ASYNC110 - the end of a tail sets no event
                await asyncio.sleep(0.01)

    async def test_a_directory_that_is_only_read_cannot_be_followed(self, server: Server) -> None:
        done = await clew("tail", "--data", server.data)
        assert done.code == 1
        assert "hint: ask the server" in done.err


class TestAudit:
    async def test_is_clean_when_everything_acknowledged_is_stored(self, server: Server) -> None:
        await server.take({"msg": "one"})
        await server.report(server.end)
        for where in (["--server", server.url], ["--data", server.data]):
            done = await clew("audit", *where)
            assert (done.code, done.out) == (0, f"Clean: 1 file, {server.end} bytes acknowledged, each stored once.\n")

    async def test_exits_1_and_names_the_file_that_lacks_bytes(self, server: Server) -> None:
        await server.take({"msg": "one"})
        await server.report(server.end + 7)
        done = await clew("audit", "--server", server.url)
        assert done.code == 1
        assert "/var/log/a.log" in done.out
        assert "7 bytes missing" in done.out
        as_json = await clew("audit", "--json", "--data", server.data)
        assert as_json.code == 1
        assert as_json.rows[0]["files"][0]["missing"] == 7


class TestQueryProgram:
    async def test_serves_the_page_and_the_api_beside_the_collector_and_sees_what_comes(self, server: Server) -> None:
        await server.take({"msg": "one"})
        async with started("query", "run", "--data", server.data, "--listen", "127.0.0.1:0") as process:
            assert process.stderr is not None
            said = (await process.stderr.readline()).decode()
            url = said.split()[2].rstrip(",")
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/readyz")).status_code == 200
                assert (await client.get("/")).headers["content-type"].startswith("text/html")
                assert (await client.get("/api/v1/events")).json()["total"] == 1
                await server.take({"msg": "two"})
                assert (await client.get("/api/v1/events")).json()["total"] == 2
                assert "clew_query_requests_total" in (await client.get("/metrics")).text
            process.send_signal(signal.SIGTERM)
            await process.communicate()
            assert process.returncode == 0

    async def test_without_a_directory_it_ends_with_a_hint(self, tmp_path: Path) -> None:
        done = await clew("query", "run", "--data", tmp_path / "nothing", "--listen", "127.0.0.1:0")
        assert done.code == 1
        assert "hint:" in done.err
        assert list(tmp_path.iterdir()) == []

    async def test_check_names_every_problem(self, tmp_path: Path) -> None:
        config = tmp_path / "query.yaml"
        config.write_text("listen: 127.0.0.1:0\n")
        assert (await clew("query", "check", "--config", config)).code == 0
        config.write_text("lisen: x\ndata: [1]\n")
        done = await clew("query", "check", "--config", config)
        assert done.code == 1
        assert "did you mean `listen`" in done.err
        assert "data:" in done.err


class TestConfig:
    async def test_the_schema_of_every_program_describes_its_settings(self) -> None:
        done = await clew("config", "schema")
        assert done.code == 0
        schemas = done.rows[0]
        assert set(schemas) == {"agent", "alerts", "collector", "query", "up"}
        for name, schema in schemas.items():
            for key, setting in schema["properties"].items():
                assert setting.get("description") or "$ref" in setting, f"{name}: {key}"

    async def test_of_one_program(self) -> None:
        assert "listen" in (await clew("config", "schema", "query")).rows[0]["properties"]
