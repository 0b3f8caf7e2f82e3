"""A real HTTP receiver of chunks on loopback, in a thread: keeps what arrives, and can be told to fail."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import msgspec

from clew_agent.wire import (
    CHUNKS_PATH,
    CONTENT_TYPE,
    HEARTBEAT_PATH,
    TIME_PATH,
    Chunk,
    ChunksAnswer,
    Heartbeat,
    TimeAnswer,
    decode_chunk,
    decode_frames,
    event_id,
)

__all__ = ["Answer", "Sink"]


@dataclass(frozen=True)
class Answer:
    """What to answer instead of 200; `keeps`: having kept the chunks."""

    status: int
    body: bytes = b'{"error": {"message": "told to", "hint": ""}}'
    headers: dict[str, str] = field(default_factory=dict)
    keeps: bool = False


class Sink:
    """Listens from `with` on; `url` says where. Another one may listen at the same place later (`port`)."""

    def __init__(self, *, port: int = 0, bytes_max: int = 1 << 30) -> None:
        self.answers: deque[Answer] = deque()
        self.always: Answer | None = None
        self.refuses: Callable[[Chunk], bool] = lambda _chunk: False
        self.chunks: list[Chunk] = []
        self.beats: list[Heartbeat] = []
        self.requests = 0
        self.pause_s = 0.0
        """Before every answer."""
        self._busy = threading.Lock()
        self._changed = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink._busy:
                    answer = sink._receive(self.path, self.headers["Content-Type"], body, bytes_max)
                    time.sleep(sink.pause_s)
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
                """Stay silent."""

        class Server(ThreadingHTTPServer):
            def process_request(self, request: Any, client_address: Any) -> None:
                sink._connections.append(request)
                super().process_request(request, client_address)

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A killed agent's connection is no news."""

        self._connections: list[socket.socket] = []
        self._server = Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Sink:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        with self._busy:  # what was taken is answered
            for connection in self._connections:
                with suppress(OSError):  # the other side was quicker
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()  # waits for the connections' threads
        self._thread.join()

    def events(self) -> list[tuple[str, bytes]]:
        """Return (event id, line) of everything that arrived, in order, doubles too."""
        with self._changed:
            chunks = list(self.chunks)
        return [(event_id(c.source.file_id, line.offset), line.raw) for c in chunks for line in c.lines()]

    def lines(self) -> Counter[bytes]:
        """Return the lines, each event once, however often it came."""
        return Counter(dict(self.events()).values())

    def wait_for(self, true: Callable[[Sink], bool], *, timeout_s: float = 30.0) -> None:
        """Wait until it is true of this sink; it is asked after everything that arrives."""
        with self._changed:
            if not self._changed.wait_for(lambda: true(self), timeout_s):
                raise AssertionError(f"not within {timeout_s} s; {len(self.chunks)} chunks, {self.requests} requests")

    def _receive(self, path: str, content_type: str, body: bytes, bytes_max: int) -> Answer:
        with self._changed:
            try:
                if path == HEARTBEAT_PATH:
                    self.beats.append(msgspec.json.decode(body, type=Heartbeat))
                    return Answer(204, b"")
                if path == TIME_PATH:
                    return Answer(
                        200, msgspec.json.encode(TimeAnswer(received_ns=time.time_ns(), answered_ns=time.time_ns()))
                    )
                assert (path, content_type) == (CHUNKS_PATH, CONTENT_TYPE)
                self.requests += 1
                return self._take(body, bytes_max)
            finally:
                self._changed.notify_all()

    def _take(self, body: bytes, bytes_max: int) -> Answer:
        if len(body) > bytes_max:
            return Answer(413)
        answer = self.always or (self.answers.popleft() if self.answers else None)
        if answer and not answer.keeps:
            return answer
        chunks = [decode_chunk(frame) for frame in decode_frames(body)]
        if any(self.refuses(chunk) for chunk in chunks):
            return Answer(400)
        self.chunks += chunks
        accepted = ChunksAnswer(accepted=sum(chunk.count for chunk in chunks), duplicate=0)
        return answer or Answer(200, msgspec.json.encode(accepted))
