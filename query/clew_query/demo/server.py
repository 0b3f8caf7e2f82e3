"""Clew itself, as the demo runs and asks it: `clew up` as a process, and its HTTP API."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx

from clew_query.client import Client

from .stage import Stage

__all__ = ["Clew", "free_address", "start_clew"]

WAIT_MAX_S = 60.0
POLL_INTERVAL_S = 0.1
REQUEST_TIMEOUT_S = 10.0

T = TypeVar("T")


def free_address() -> str:
    """Return HOST:PORT on loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return "{}:{}".format(*listening.getsockname())


def start_clew(stage: Stage, directory: Path, *, configuration: Path, rules: Path, listen: str) -> None:
    """Start `clew up`: collector, API and page, alerts, and an agent that tails the services' files."""
    arguments = ["-m", "clew_agent", "up", "--config", str(configuration), "--rules", str(rules)]
    arguments += ["--data", str(directory / "data"), "--listen", listen]
    stage.start("clew up", arguments, stdout=directory / "clew.stdout", stderr=directory / "clew.stderr")


class Clew:
    """Asks a Clew that runs on the stage."""

    def __init__(self, http: httpx.AsyncClient, stage: Stage) -> None:
        self._http = http
        self._client = Client(http, str(http.base_url))
        self._stage = stage

    async def ready(self) -> bool:
        """Whether it takes and answers."""
        try:
            return (await self._http.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    async def ask(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """Return the JSON answer of the API; ClewError where it is an error."""
        document: dict[str, Any] = await self._client.get(path, **parameters)
        return document

    async def wait_until(self, look: Callable[[], Awaitable[T]], *, within_s: float = WAIT_MAX_S) -> T:
        """Look again and again until something true is seen, and return it; the last look when the time is over.

        Raises StageError as soon as a process on the stage has ended.
        """
        deadline = monotonic() + within_s
        while not (seen := await look()) and monotonic() < deadline:
            self._stage.check()
            await asyncio.sleep(POLL_INTERVAL_S)
        self._stage.check()
        return seen
