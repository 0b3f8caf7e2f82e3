"""A real server over made-up events, a real Chromium before it, and a page that must stay at home and not complain."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from opentelemetry.metrics import NoOpMeter
from playwright.sync_api import Browser, Page, Request, sync_playwright
from tests.browser.story import START, tell
from tests.conftest import skip_or_fail

from clew_agent.metrics import Metrics
from clew_agent.wire import FileLedger, GivenUp, Heartbeat
from clew_collector.agents import SeenAgent
from clew_collector.live import Broadcast
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Item
from clew_query.api import create_app
from clew_query.backend import Backend

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTH, HEIGHT = 1360, 860


class Server:
    """The API and the page over a memory store, in a thread with an event loop of its own, on a free port."""

    def __init__(self) -> None:
        self.live = Broadcast(Metrics(NoOpMeter("page-tests")), events_max=1000, subscriptions_max=10)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="page-server")

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True  # a live tail never ends by itself
        self._thread.join()
        self._loop.close()
        self._socket.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        store = MemoryStore()
        await store.write([Item(position, event) for position, event in enumerate(tell(), 1)])
        await store.flush()
        app = create_app(Backend(store=store, agents=_agents, alerts=_Alerts(), live=self.live))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        self._ready.set()
        await serving

    def publish(self, *events: Any) -> None:
        """Give the events to live tails, from whatever thread."""
        self._loop.call_soon_threadsafe(self.live.publish, events)


class _Alerts:
    async def alerts(self) -> list[dict[str, Any]]:
        return [
            {
                "rule": "payment-errors",
                "group_by": "service",
                "group": "payment",
                "service": "payment",
                "state": "firing",
                "since": "2026-11-24T06:06:30.000000000Z",
                "value": 0.087,
                "events": 46,
                "errors": 4,
            }
        ]

    async def rules(self) -> list[dict[str, Any]]:
        return []


def _agents() -> list[SeenAgent]:
    file = FileLedger(
        file_id="0" * 20, path="/var/log/orders.log", host="node-1", service="orders", seen=52_400, shipped=52_100,
        acknowledged=52_000, lines=812, given_up=(GivenUp(100, 350, "rotated away before it was read"),),
    )  # fmt: skip
    beat = Heartbeat(
        agent_id="node-1-7f", host="node-1", version="0.1.0", sent_ns=START, started_ns=START, files=(file,)
    )
    return [SeenAgent(beat=beat, seen_ns=START)]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file of tests: Playwright keeps its event loop running, and no other could in this thread."""
    chromium = shutil.which("chromium")
    if chromium is None:
        skip_or_fail("there is no chromium here", required_by="CLEW_REQUIRE_BROWSER")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of; a test that provokes a complaint takes it out."""
    return []


@pytest.fixture
def page(server: Server, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """A page at the server's origin. Afterwards nothing may have left that origin, and nobody complained."""
    context = browser.new_context(base_url=server.url, viewport={"width": WIDTH, "height": HEIGHT})
    opened = context.new_page()
    strangers: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith((f"{server.url}/", "data:")):
            strangers.append(request.url)

    opened.on("request", watch)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None,
    )
    yield opened
    context.close()
    assert strangers == []
    assert complaints == []
