"""What `/readyz` says of a store on Elasticsearch beside what the consumer met itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.recorded import RecordedMetrics

from clew_collector.service import Collector
from clew_collector.settings import CollectorSettings
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.elasticsearch.connection import connect
from clew_collector.store.elasticsearch.health import told_red
from clew_collector.store.elasticsearch.names import Names
from clew_collector.store.opening import StoreSettings

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
RED = {"status": "red", "unassigned_shards": 1}


@pytest.fixture
async def cluster() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Its URL, and the answer to questions for its health: `indices`, or `silent`."""
    said: dict[str, Any] = {"indices": {}}

    async def answer(request: web.Request) -> web.Response:
        if "health" in request.path:
            if said.get("silent"):
                assert request.transport is not None
                request.transport.abort()
            assert request.path == "/_cluster/health/clew-events-*,clew-state-*"
            return web.json_response(said, headers=PRODUCT)
        return web.json_response({}, headers=PRODUCT)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", said


async def test_a_red_index_of_ours_is_a_reason(cluster: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    url, said = cluster
    store = StoreSettings(elasticsearch=ElasticsearchSettings(hosts=(url,)))
    collector = await Collector.open(CollectorSettings(data=tmp_path / "data", store=store), RecordedMetrics())
    await collector.start()
    try:
        assert await collector.ready() == []
        said["indices"] = {"clew-events-2026.11.24": RED, "clew-events-2026.11.23": {"status": "yellow"}}
        [problem] = await collector.ready()
        assert problem.startswith("Elasticsearch is red: 1 shards of clew-events-2026.11.24 are on no node")
        assert problem.endswith(".")
        said["indices"] = {}
        assert await collector.ready() == []
    finally:
        await collector.close()


async def test_many_are_counted(cluster: tuple[str, dict[str, Any]]) -> None:
    url, said = cluster
    said["indices"] = {f"clew-events-2026.11.0{day}": RED for day in range(1, 6)}
    store = ElasticsearchStore.open(ElasticsearchSettings(hosts=(url,)))
    told = await store.problem()
    await store.close()
    assert told is not None
    assert "5 shards of clew-events-2026.11.01, clew-events-2026.11.02, clew-events-2026.11.03 and 2 more are" in told


async def test_who_does_not_answer_is_no_reason_here(cluster: tuple[str, dict[str, Any]]) -> None:
    url, said = cluster
    said["silent"] = True
    connection = connect(ElasticsearchSettings(hosts=(url,)))
    assert await told_red(connection, Names("clew")) is None
    await connection.close()
