"""What a running agent answers on a local port: `/metrics` for Prometheus, `/healthz` for whoever restarts it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from clew_agent.errors import ClewError

__all__ = ["Health", "serve"]

Health = Callable[[], tuple[bool, dict[str, Any]]]
"""Whether the agent works, and what to say about it."""


@contextmanager
def serve(listen: str, health: Health) -> Iterator[None]:
    """Answer at HOST:PORT meanwhile. ClewError if nobody can listen there."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/healthz":
                works, told = health()
                self._answer(200 if works else 503, "application/json", json.dumps(told).encode())
            else:
                self._answer(404, "text/plain", b"/metrics and /healthz are here\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
            """Stay silent."""

    host, _, port = listen.rpartition(":")
    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    except OSError as error:
        raise ClewError(
            f"cannot listen on {listen}: {error.strerror}", hint="choose another `metrics_listen`, or leave it empty"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="clew-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
