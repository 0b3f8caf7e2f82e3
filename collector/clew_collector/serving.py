"""Serving an ASGI app on a socket of our own, so that a port in use is a clear error and shutdown has an order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from clew_agent.errors import ClewError

__all__ = ["bind", "served", "stop_signal", "url_of"]

GRACEFUL_SHUTDOWN_S = 3
"""How long open requests (live tails above all) may go on when the server stops."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The program decides what stops first; uvicorn's own handlers would close the server before the agent flushed.
        yield


def bind(listen: str) -> socket.socket:
    """Return a listening socket for HOST:PORT (port 0: a free one); ClewError with a hint when that cannot be had."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ClewError(f"`{listen}` is not HOST:PORT", hint="for example --listen 127.0.0.1:8900")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it. Without, an answer of two writes waits 40 ms for the client's delayed ACK.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        bound.bind((host, int(port)))
        bound.listen(1024)
    except OSError as error:
        bound.close()
        hint = (
            "another program listens there: stop it, or choose another port with --listen (port 0 takes a free one)"
            if error.errno == errno.EADDRINUSE
            else "check the host name and that this user may listen there"
        )
        raise ClewError(f"cannot listen on {listen}: {error.strerror or error}", hint=hint) from error
    bound.setblocking(False)
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, in the running loop."""
    event = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


@contextlib.asynccontextmanager
async def served(app: Any, bound: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve the app while the context is open; the task ends early only if the server itself failed."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S, lifespan="off"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not (server.started or task.done()):  # noqa: ASYNC110 - uvicorn sets a flag, not an event
            await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await task
