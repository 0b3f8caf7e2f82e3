"""The process of `clew up`: collector, API, page and alerts in this one, and one agent that ends with it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from clew_agent.durable import replace_file
from clew_agent.errors import ClewError
from clew_agent.metrics import Metrics, create_metrics
from clew_collector.errors import DataDirectoryError
from clew_collector.ingest import ingest_router
from clew_collector.service import Collector
from clew_collector.serving import bind, served, stop_signal, url_of
from clew_query.alerts import AlertEngine, IngestWatermark, RuleSet
from clew_query.api import create_app
from clew_query.backend import Backend
from clew_query.lucene import compile_query
from clew_query.up.account import Account, draw_account
from clew_query.up.agent_child import AgentChild
from clew_query.up.settings import UpSettings

__all__ = ["OnceOutcome", "run_once", "run_up"]

PROGRESS_INTERVAL_S = 0.2

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Is told bytes that are acknowledged, and bytes that the files had when last looked at."""


@dataclass(frozen=True, slots=True)
class OnceOutcome:
    """What `clew up --once` came to."""

    account: Account
    agent_status: int
    """0 when the agent shipped everything that its globs match; it has said on stderr what it could not."""


async def run_up(settings: UpSettings, rules: RuleSet | None, *, ready: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; `ready` is told the URL once it is served.

    First the agent flushes and ends, then requests under way are answered, then the store is flushed. ClewError when
    a part cannot start.
    """
    stop = stop_signal()
    async with _open(settings) as (bound, collector, metrics), AsyncExitStack() as parts:
        url = url_of(bound)
        alerts = await _open_alerts(collector, rules, metrics, url) if rules else None
        if alerts:
            parts.push_async_callback(alerts.close)
        backend = Backend.of_collector(collector, alerts=alerts)
        app = create_app(backend, metrics=metrics, routers=[ingest_router(collector)])
        running: set[asyncio.Task[Any]] = {await parts.enter_async_context(served(app, bound))}
        if alerts:
            running.add(await parts.enter_async_context(_background(alerts.run())))
        if settings.path_learning_interval_s:
            learning = backend.paths.learn_now_and_then(
                settings.path_learning_first_s, settings.path_learning_interval_s
            )
            running.add(await parts.enter_async_context(_background(learning)))
        if settings.sources:
            agent = _agent(settings, url, once=False)
            running.add(await parts.enter_async_context(_background(agent.run(stop.is_set))))
            parts.push_async_callback(agent.stop)
        running.add(await parts.enter_async_context(_background(stop.wait())))
        ready(url)
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()  # raises what a part failed with


async def run_once(settings: UpSettings, *, progress: Progress | None = None) -> OnceOutcome:
    """Ingest what the files hold now, and return the account of it once everything is searchable.

    ClewError when it is stopped before that, or when nothing is to be watched.
    """
    if not settings.sources:
        raise ClewError(
            "there is nothing to ingest", hint="name files with --watch GLOB, or `sources` in --config FILE"
        )
    began = time.monotonic()
    stop = stop_signal()
    async with _open(settings) as (bound, collector, metrics):
        await collector.drain()
        before = await _events_stored(collector)
        app = create_app(Backend.of_collector(collector), metrics=metrics, routers=[ingest_router(collector)])
        async with served(app, bound):
            agent = _agent(settings, url_of(bound), once=True)
            async with _background(_tell(collector, progress)), _background(agent.run(stop.is_set)) as shipping:
                async with _background(stop.wait()) as stopped:
                    await asyncio.wait({shipping, stopped}, return_when=asyncio.FIRST_COMPLETED)
                await agent.stop()
                status = await shipping
        if stop.is_set():
            raise ClewError(
                "stopped before everything was stored", hint="the same command goes on where this one ended"
            )
        audit = await collector.audit()
        account = draw_account(
            list((await collector.agents.ledgers()).values()),
            await collector.store.files(),
            [asdict(file) for file in audit.files],
            stored_before=before,
            seconds=time.monotonic() - began,
        )
        return OnceOutcome(account, status)


@asynccontextmanager
async def _open(settings: UpSettings) -> AsyncIterator[tuple[socket.socket, Collector, Metrics]]:
    """Yield a listening socket, and a collector that consumes; both are closed at the end."""
    collecting = settings.collector_settings()
    if settings.sources:
        settings.agent_settings("http://127.0.0.1:1")  # says what is wrong there before anything is made or bound
    bound = bind(settings.listen)
    metrics, provider = create_metrics("clew")
    try:
        collector = await Collector.open(collecting, metrics)
        try:
            await collector.start()
            yield bound, collector, metrics
        finally:
            await collector.close()
    finally:
        bound.close()
        provider.shutdown()


async def _open_alerts(collector: Collector, rules: RuleSet, metrics: Metrics, url: str) -> AlertEngine:
    assert collector.directory is not None
    return await AlertEngine.open(
        collector.directory.alerts,
        rules,
        collector.store,
        compile_query=compile_query,
        metrics=metrics,
        watermark=IngestWatermark(
            beats=collector.agents.heartbeats,
            log_end=collector.log.end,
            store_position=collector.store.position,
            clock=time.time_ns,
        ),
        base_url=url,
    )


def _agent(settings: UpSettings, url: str, *, once: bool) -> AgentChild:
    """Return an agent that ships to `url`, with its configuration in its directory."""
    return AgentChild(
        _write_agent_config(settings, url),
        once=once,
        restart_wait_s=settings.agent_restart_wait_s,
        shutdown_s=settings.shutdown_s,
    )


def _write_agent_config(settings: UpSettings, url: str) -> Path:
    path = settings.agent_directory / "agent.yaml"
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, settings.agent_yaml(url).encode(), durable=False)
    except OSError as error:
        raise DataDirectoryError(
            f"the agent's configuration {path} cannot be written: {error.strerror}",
            hint="free disk space, or give this user the right to write there",
        ) from error
    return path


async def _events_stored(collector: Collector) -> int:
    return sum(file.events for file in await collector.store.files())


async def _tell(collector: Collector, progress: Progress | None) -> None:
    """Tell how far the agent says it is, until cancelled."""
    while progress is not None:
        files = [file for beat in await collector.agents.heartbeats() for file in beat.files]
        progress(sum(file.acknowledged - file.first for file in files), sum(file.seen - file.first for file in files))
        await asyncio.sleep(PROGRESS_INTERVAL_S)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run `work` beside the block; what is left of it is cancelled at the block's end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
