"""One transaction through HTTP, a real Kafka topic and a background task: from stamped lines alone, the exact tree.

Real sockets, a real broker, real files, and the real program reads them: `clew up --once`, then `clew trace`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TextIO

import httpx
import pytest
import structlog
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from deploy.engines import Kafka
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.kafka_topics import create, new_prefix
from tests.waiting import until

from clew_agent.instrument import (
    AddIds,
    TraceRequests,
    add_ids,
    carry,
    continued,
    current_ids,
    handling,
    message_headers,
    propagate_calls,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

REQUESTS = 20
CONFIG = """
sources:
  - paths: ["hosts/*/*.log"]
    host: {from: path, pattern: 'hosts/(?P<host>[^/]+)/'}
    service: {from: path, pattern: '/(?P<service>[^/]+)\\.log$'}
"""
clients_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("client spans that are written nowhere")


class Services:
    """web calls stock over HTTP, twice, sends a message to mail over Kafka, and leaves audit to a background task."""

    def __init__(self, directory: Path, bootstrap: str, topic: str) -> None:
        self.directory = directory
        self.bootstrap = bootstrap
        self.topic = topic
        self.mailed: list[str] = []
        self._files: list[TextIO] = []

    def close(self) -> None:
        for file in self._files:
            file.close()

    def json_log(self, service: str) -> structlog.typing.WrappedLogger:
        processors = [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            add_ids,
            structlog.processors.JSONRenderer(),
        ]
        return structlog.wrap_logger(structlog.WriteLogger(self._file(service)), processors=processors)

    def text_log(self, service: str) -> logging.Logger:
        handler = logging.StreamHandler(self._file(service))
        handler.addFilter(AddIds())
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(ids)s] %(message)s"))
        logger = logging.Logger(service)  # noqa: LOG001 - one of its own, known to nobody else
        logger.addHandler(handler)
        return logger

    def _file(self, service: str) -> TextIO:
        path = self.directory / "hosts" / f"host-of-{service}" / f"{service}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files.append(path.open("a"))
        return self._files[-1]

    def stock(self) -> TraceRequests:
        log = self.text_log("stock")

        async def reserve(request: Request) -> JSONResponse:
            log.info("reserving %s", request.path_params["item"])
            return JSONResponse({})

        return TraceRequests(Starlette(routes=[Route("/reserve/{item}", reserve)]))

    def web(self, stock: httpx.AsyncClient, producer: AIOKafkaProducer) -> TraceRequests:
        log, audit = self.json_log("web"), self.json_log("audit")

        def book(headers: dict[str, str]) -> None:
            # A worker of its own would get what is carried with its task, whatever queue that is in.
            with continued("book", headers, SpanKind.CONSUMER):
                audit.info("booked")

        async def order(_request: Request) -> JSONResponse:
            log.info("order received")
            for item in ("tea", "cup"):
                # What other instrumentation does around each call.
                with clients_tracer.start_as_current_span("GET", kind=SpanKind.CLIENT):
                    await stock.get(f"/reserve/{item}")
            await producer.send_and_wait(self.topic, b"thanks", headers=message_headers())
            log.info("order answered")
            return JSONResponse(current_ids(), background=BackgroundTask(book, carry()))

        return TraceRequests(Starlette(routes=[Route("/order", order)]))

    async def mail(self, consumer: AIOKafkaConsumer) -> None:
        log = self.json_log("mail")
        async for record in consumer:
            with handling(record):
                log.info("mail sent")
                self.mailed.append(current_ids()["trace_id"])


class Serving:
    """An app on a real socket."""

    def __init__(self, app: Any) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))

    async def __aenter__(self) -> str:
        self._task = asyncio.create_task(self._server.serve())
        await until(self._started)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    async def _started(self) -> bool:
        return self._server.started

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._task


async def send_orders(services: Services) -> list[str]:
    """Send orders, several at once, until each is mailed; return their transactions."""
    producer = AIOKafkaProducer(bootstrap_servers=services.bootstrap)
    consumer = AIOKafkaConsumer(
        services.topic, bootstrap_servers=services.bootstrap, group_id="mail", auto_offset_reset="earliest"
    )

    async def all_mailed() -> bool:
        return len(services.mailed) == REQUESTS

    async with AsyncExitStack() as open_until_done:
        enter = open_until_done.enter_async_context
        await enter(producer)
        await enter(consumer)
        stock_url = await enter(Serving(services.stock()))
        stock = await enter(propagate_calls(httpx.AsyncClient(base_url=stock_url, trust_env=False)))
        web_url = await enter(Serving(services.web(stock, producer)))
        customer = await enter(httpx.AsyncClient(base_url=web_url, trust_env=False, timeout=60))
        mailing = asyncio.create_task(services.mail(consumer))
        answers = await asyncio.gather(*(customer.get("/order") for _ in range(REQUESTS)))
        await until(all_mailed)
        mailing.cancel()
    return [answer.json()["trace_id"] for answer in answers]


def clew(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "clew_agent", *arguments], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shape(transaction: dict[str, Any]) -> tuple[list[tuple[str | None, str]], bool]:
    """The tree, children in order, and whether all of it is certain."""
    return (
        sorted(((call["from"], call["to"]) for call in transaction["calls"]), key=str),
        all(call["probability"] == 1 for call in transaction["calls"] if call["parent"] is not None),
    )


async def test_the_tree_is_exact(kafka: Kafka, tmp_path: Path) -> None:
    services = Services(tmp_path, kafka.bootstrap, f"{new_prefix()}-orders")
    await create(kafka.bootstrap, {services.topic: 1})
    try:
        transactions = await send_orders(services)
    finally:
        services.close()
    assert len(set(transactions)) == REQUESTS
    (tmp_path / "clew.yaml").write_text(CONFIG)
    data = str(tmp_path / "data")
    ask: Callable[..., str] = lambda *arguments: clew(*arguments, "--data", data)  # noqa: E731
    await asyncio.to_thread(ask, "up", "--once", "--config", str(tmp_path / "clew.yaml"))
    answers = (await asyncio.to_thread(ask, "trace", "--json", *transactions)).splitlines()
    assert len(answers) == REQUESTS
    for answer in answers:
        transaction = json.loads(answer)
        assert shape(transaction) == (
            [("web", "audit"), ("web", "mail"), ("web", "stock"), ("web", "stock"), (None, "web")],
            True,
        )
        by_id = {invocation["id"]: invocation for invocation in transaction["invocations"]}
        assert [len(by_id[call["child"]]["span_ids"]) for call in transaction["calls"]] == [1] * 5
