"""A receiver of webhooks, as an on-call tool has one: answers 200 and drops what it has already, by notification id."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["WebhookSink"]

BODY_BYTES_MAX = 1 << 20


class WebhookSink:
    """Listens on loopback while it is entered; `received` has each notification once, in order of arrival."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.repeats = 0
        """How often something arrived that was here already."""
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhook-sink", daemon=True)

    @property
    def url(self) -> str:
        """Where to POST."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, notification: dict[str, Any]) -> None:
        """Keep a notification unless it is here already."""
        with self._lock:
            if notification["notification_id"] in self._known:
                self.repeats += 1
                return
            self._known.add(notification["notification_id"])
            self.received.append(notification)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX)
                take(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: the demo shows what arrived."""

        return Handler
