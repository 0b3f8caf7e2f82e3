"""ASGI: each request is a hop (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from opentelemetry.trace import SpanKind

from .context import continued

__all__ = ["TraceRequests"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTIONS = frozenset({"http", "websocket"})


class TraceRequests:
    """Middleware: HTTP requests and WebSocket connections are handled within their hop.

    Background tasks that a framework runs before the app returns (Starlette's) are within it, too.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in CONNECTIONS:
            await self._app(scope, receive, send)
            return
        # Of a header that stands there twice the first one counts.
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(scope["headers"])
        }
        with continued(f"{scope.get('method', 'WEBSOCKET')} {scope['path']}", headers, SpanKind.SERVER):
            await self._app(scope, receive, send)
