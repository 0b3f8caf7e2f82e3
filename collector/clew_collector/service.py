"""The collector as one object: it owns the data directory and what works in it. Programs compose it with HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from clew_agent.metrics import Metrics

from .agents import Agents
from .audit import Audit, audit, audit_without_log
from .consumer import Consumer, ConsumerLimits
from .datadir import DataDirectory
from .dead_letters import DeadLetters, Desk, MemoryDeadLetters, ShareLimit
from .errors import DataDirectoryError
from .flush import FlushPolicy
from .ingest import ingest_router
from .live import Broadcast
from .log.opening import open_agents, open_dead_letters, open_log
from .log.protocol import Log
from .log.sqlite import SqliteLog
from .normalise import Normaliser
from .rebuild import finish_swap
from .settings import CollectorSettings, LogSettings
from .store.elasticsearch import ElasticsearchStore
from .store.opening import StoreSettings, open_store
from .store.protocol import Store
from .supply import Normalises

__all__ = ["Collector", "Readers", "consumer_limits", "create_collector_app"]


def consumer_limits(settings: CollectorSettings) -> ConsumerLimits:
    """Return the consumer's part of the settings."""
    return ConsumerLimits(
        flush=FlushPolicy(
            interval_s=settings.flush_interval_s,
            interval_busy_s=settings.flush_interval_busy_s,
            events_max=settings.flush_events_max,
            bytes_max=settings.flush_bytes_max,
        ),
        busy_lag_bytes=settings.busy_lag_bytes,
        batch_bytes_max=settings.batch_bytes_max,
        batch_lines_max=settings.batch_lines_max,
        retry_wait_s_min=settings.retry_wait_s_min,
        retry_wait_s_max=settings.retry_wait_s_max,
    )


class Collector:
    """Log, store, agents, live tails, and the consumer between them. Made by `open`; tests give the parts."""

    def __init__(
        self,
        *,
        settings: CollectorSettings,
        metrics: Metrics,
        log: Log,
        store: Store,
        agents: Agents,
        normaliser: Normalises,
        directory: DataDirectory | None = None,
        dead_letters: DeadLetters | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.directory = directory
        self.log = log
        self.store = store
        self.agents = agents
        self.dead_letters = dead_letters or MemoryDeadLetters()
        self.live = Broadcast(metrics, events_max=settings.tail_events_max, subscriptions_max=settings.tails_max)
        self.consumer = Consumer(
            log=log,
            store=store,
            normaliser=normaliser,
            desk=desk or Desk(self.dead_letters, ShareLimit(settings.dead_letters_share_max), metrics),
            live=self.live,
            metrics=metrics,
            limits=consumer_limits(settings),
        )
        self._consuming: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: CollectorSettings, metrics: Metrics) -> Self:
        """Lock the data directory and open what is in it.

        DirectoryLocked when another process works there, DataDirectoryError when it cannot be used.
        """
        async with AsyncExitStack() as opened:
            directory = DataDirectory.open(settings.data)
            opened.callback(directory.close)
            finish_swap(directory.store)
            dead_letters = open_dead_letters(settings, directory)
            opened.push_async_callback(dead_letters.close)
            # Kafka keeps its readers' positions itself.
            account = directory.account() if settings.log.kafka is None else None
            store = open_store(settings.store, directory.store, account=account, metrics=metrics, writable=True)
            opened.push_async_callback(store.close)
            desk = Desk(dead_letters, ShareLimit(settings.dead_letters_share_max), metrics)
            # A cluster may be away now; how far Kafka was read, Kafka knows.
            position = await store.position() if settings.store.elasticsearch is None else 0
            log = open_log(settings, directory, desk, position=position)
            opened.push_async_callback(log.close)
            agents = open_agents(settings, directory)
            opened.push_async_callback(agents.close)
            if settings.store.elasticsearch is None:
                await _check_positions(log, store, settings.data)
            collector = cls(
                settings=settings,
                metrics=metrics,
                directory=directory,
                log=log,
                store=store,
                agents=agents,
                normaliser=Normaliser(),
                dead_letters=dead_letters,
                desk=desk,
            )
            opened.pop_all()
            return collector

    async def start(self) -> None:
        """Begin to consume the log."""
        self._consuming = asyncio.create_task(self.consumer.run(), name="clew-consumer")
        if isinstance(self.store, ElasticsearchStore):
            self._cleaning = asyncio.create_task(self.store.janitor.run(), name="clew-janitor")

    async def drain(self) -> None:
        """Return once everything in the log is in the store, searchable. Raises what prevents it."""
        await self.consumer.drain()

    async def ready(self) -> list[str]:
        """Return why it is not ready to take and store lines, in sentences; an empty list when it is."""
        problems = []
        if self._consuming is None or self._consuming.done():
            problems.append("The consumer is not running.")
        if (problem := self.consumer.problem) is not None:
            problems.append(f"The store does not get on: {problem}.")
        if isinstance(self.store, ElasticsearchStore) and (red := await self.store.problem()) is not None:
            problems.append(red)
        lag = await self.log.lag_bytes(self.consumer.position)
        if lag > self.settings.lag_bytes_max:
            problems.append(f"The store is {lag} bytes behind the log.")
        return problems

    async def audit(self) -> Audit:
        """Return the account of every file, exact also while lines arrive."""
        ledgers = await self.agents.ledgers()
        coverage = await self.log.coverage()
        await self.drain()
        stored = await self.store.files()
        if self.settings.log.kafka is not None:
            return audit_without_log(ledgers, stored)
        return audit(ledgers, coverage, stored, later=await self.log.coverage())

    async def close(self) -> None:
        """Write what was read, flush, close all, give the lock back."""
        self.consumer.stop()
        async with AsyncExitStack() as closing:
            if self.directory is not None:
                closing.callback(self.directory.close)
            closing.push_async_callback(self.dead_letters.close)
            closing.push_async_callback(self.agents.close)
            closing.push_async_callback(self.store.close)
            closing.push_async_callback(self.log.close)
            if self._cleaning is not None:
                self._cleaning.cancel()
                closing.push_async_callback(asyncio.wait, {self._cleaning})
            if self._consuming is not None:
                await self._consuming


@dataclass(frozen=True, slots=True)
class Readers:
    """A data directory read without its lock, beside the process that writes it or without one; or a cluster."""

    log: Log | None
    """None where the log is Kafka, which keeps no account of files."""
    store: Store
    agents: Agents

    @classmethod
    async def open(cls, data: Path, stored: StoreSettings | None = None, logged: LogSettings | None = None) -> Self:
        """Open for reading what was last committed; DataDirectoryError when there is no data directory.

        `stored`, `logged`: where the collectors keep their events and their log. Of a cluster nothing is asked yet.
        """
        if stored is not None and stored.elasticsearch is not None and logged is not None and logged.kafka is not None:
            store = open_store(stored, data, writable=False)
            settings = CollectorSettings(data=data, log=logged, store=stored)
            return cls(None, store, open_agents(settings, DataDirectory.at(data)))
        directory = DataDirectory.look(data)
        async with AsyncExitStack() as opened:
            log = SqliteLog.open(directory.log, writable=False)
            opened.push_async_callback(log.close)
            store = open_store(stored or StoreSettings(), directory.store, writable=False)
            opened.push_async_callback(store.close)
            agents = Agents.open(directory.state, writable=False)
            opened.pop_all()
            return cls(log, store, agents)

    async def audit(self) -> Audit:
        """Return the account of every file; what the log has and the store lacks now is missing."""
        ledgers = await self.agents.ledgers()
        if self.log is None:
            return audit_without_log(ledgers, await self.store.files())
        coverage = await self.log.coverage()
        stored = await self.store.files()
        return audit(ledgers, coverage, stored, later=await self.log.coverage())

    async def close(self) -> None:
        """Close all."""
        await self.agents.close()
        await self.store.close()
        if self.log is not None:
            await self.log.close()


async def _check_positions(log: Log, store: Store, data: Path) -> None:
    """Refuse a store that is ahead of its log: it would pass over new records as known."""
    stored, end = await store.position(), await log.end()
    if stored > end:
        raise DataDirectoryError(
            f"the store in {data} holds the log up to position {stored}, but the log ends at {end}",
            hint="put the missing days of the log back, or move `store` away: it is rebuilt from the log",
        )


def create_collector_app(collector: Collector) -> FastAPI:
    """Return the ASGI app of `clew collector run`: ingest, health, metrics."""
    app = FastAPI(title="Clew collector", docs_url=None, redoc_url=None)
    app.include_router(ingest_router(collector))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz(response: Response) -> dict[str, object]:
        problems = await collector.ready()
        response.status_code = 503 if problems else 200
        return {"ready": not problems, "problems": problems}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
