"""A receiver of RELP, the protocol by which rsyslog has each message acknowledged.

https://github.com/rsyslog/librelp/blob/master/doc/relp.html: frames are `TXNR COMMAND LENGTH[ DATA]` and a line feed.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.scenarios.tailing.programs import Behaviour
from tests.scenarios.tailing.verdict import Delivery

__all__ = ["RelpReceiver"]

_OFFERS = b"200 OK\nrelp_version=0\nrelp_software=scenario\ncommands=syslog"


class RelpReceiver:
    """Keeps the messages; has no ids, so each arrival is its own."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.behaviour = Behaviour.TAKE
        self.refuses: Callable[[bytes], bool] = lambda _line: False
        self._deliveries: list[Delivery] = []
        self._requests = 0
        self._lock = threading.Lock()
        self._server: socketserver.ThreadingTCPServer | None = None
        self._connections: list[socket.socket] = []
        self.up()

    def deliveries(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries)

    def requests(self) -> int:
        return self._requests

    def up(self) -> None:
        if self._server:
            return
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                receiver._connections.append(self.connection)
                with suppress(OSError):  # the other side was killed, or we were told to be away
                    receiver._serve(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        if self._server:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def _serve(self, received: Any, answers: Any) -> None:
        while head := _words(received, 3):
            number, command, length = head
            data = received.read(int(length)) if int(length) else b""
            if data:
                received.read(1)  # without data, the head took the line feed
            if command == b"open":
                answers.write(b"%s rsp %d %s\n" % (number, len(_OFFERS), _OFFERS))
            elif command == b"close":
                answers.write(b"%s rsp 0\n0 serverclose 0\n" % number)
                return
            else:
                answers.write(b"%s rsp %s\n" % (number, self._take(data)))
            answers.flush()

    def _take(self, line: bytes) -> bytes:
        self._requests += 1
        if self.behaviour is Behaviour.SLOW:
            time.sleep(0.02)
        if self.behaviour is Behaviour.UNAVAILABLE or self.refuses(line):
            return b"7 500 no\n"
        with self._lock:
            self._deliveries.append(Delivery(str(len(self._deliveries)), line.removesuffix(b"\n")))
        return b"7 500 no\n" if self.behaviour is Behaviour.FORGET_TO_SAY else b"6 200 OK"


def _words(received: Any, count: int) -> list[bytes]:
    """Read words; the last may end with the line feed that ends a frame without data."""
    words: list[bytes] = []
    word = b""
    while len(words) < count:
        byte = received.read(1)
        if not byte:
            return []
        if byte in b" \n":
            if word:
                words.append(word)
            word = b""
        else:
            word += byte
    return words
