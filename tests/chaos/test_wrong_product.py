"""What is no Elasticsearch that we can use says so at once: nothing is written, and the reason tells what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.chunks import numbered
from tests.recorded import RecordedMetrics

from clew_collector.doctor import Level, gather, judge
from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.service import Collector
from clew_collector.settings import CollectorSettings
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.elasticsearch.connection import connect
from clew_collector.store.elasticsearch.names import Names
from clew_collector.store.opening import StoreSettings
from clew_collector.store.protocol import Item

LINE = Event(
    event_id="ab" * 16, timestamp=1, observed_timestamp=1, service="s", host="h", source="/x", offset=0, length=1,
    transaction_id="t", transaction_origin="line",
)  # fmt: skip

PRODUCTS: dict[str, tuple[int, dict[str, str], str, str]] = {
    "OpenSearch": (200, {}, '{"nodes": {"a": {"version": "2.19.0"}}}', "no Elasticsearch of version 8"),
    "Elasticsearch 7": (200, {"X-Elastic-Product": "Elasticsearch"}, '{"nodes": {"a": {"version": "7.17.28"}}}',
                        "of version 7.17.28, Clew needs 8.19"),
    "Elasticsearch 7 before products": (200, {}, '{"nodes": {"a": {"version": "7.10.2"}}}',
                                        "no Elasticsearch of version 8"),
    "a web server": (200, {}, "<html>It works!</html>", "no Elasticsearch of version 8"),
    "a password is missing": (401, {"X-Elastic-Product": "Elasticsearch"},
                              '{"error": {"type": "security_exception", "reason": "missing authentication"}}',
                              "401: security_exception: missing authentication"),
}  # fmt: skip


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def begin(status: int, headers: dict[str, str], text: str) -> tuple[str, list[str]]:
            asked: list[str] = []

            async def answer(request: web.Request) -> web.Response:
                asked.append(f"{request.method} {request.path}")
                kind = "application/json" if text.startswith("{") else "text/html"
                return web.Response(status=status, text=text, headers=headers, content_type=kind)

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return f"http://127.0.0.1:{runner.addresses[0][1]}", asked

        yield begin


@pytest.mark.parametrize(("status", "headers", "text", "said"), PRODUCTS.values(), ids=list(PRODUCTS))
async def test_it_is_refused_with_a_reason_and_a_hint(
    serve: Callable[..., Any], status: int, headers: dict[str, str], text: str, said: str
) -> None:
    url, asked = await serve(status, headers, text)
    settings = ElasticsearchSettings(hosts=(url,))
    store = ElasticsearchStore.open(settings)
    with pytest.raises(StoreError) as failure:
        await store.write([Item(1, LINE)])
    assert said in failure.value.message
    assert failure.value.hint
    assert all(one.startswith("GET") for one in asked), "nothing was written"
    await store.close()
    connection = connect(settings)
    worst = judge(await gather(connection, Names("clew")), settings)[0]
    await connection.close()
    assert worst.level is Level.ERROR
    assert said in worst.message
    assert worst.hint


async def test_a_collector_starts_keeps_what_comes_and_says_why_it_is_not_ready(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    url, _asked = await serve(200, {}, "<html>It works!</html>")
    store = StoreSettings(elasticsearch=ElasticsearchSettings(hosts=(url,)))
    collector = await Collector.open(CollectorSettings(data=tmp_path / "data", store=store), RecordedMetrics())
    await collector.start()
    try:
        await collector.log.append([numbered(0, 10)])
        async with asyncio.timeout(30):
            with pytest.raises(StoreError):
                await collector.drain()
        problems = await collector.ready()
        assert "no Elasticsearch of version 8 or newer" in problems[0]
        assert await collector.log.lag_bytes(0) > 0
    finally:
        await collector.close()
