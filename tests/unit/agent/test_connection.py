"""The one connection to the receiver: kept, renewed when it ended, given up when told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from clew_agent.transport.connection import ANSWER_BYTES_MAX, Connection, HTTPException

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Takes one connection after the other and answers what the test says; keeps what was asked."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections: list[socket.socket] = []

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        self.connections.append(connection)
        return connection

    def close(self) -> None:
        for connection in (*self.connections, self.listener):
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def connect(server: Server) -> Iterator[Connection]:
    connection = Connection(server.url, timeout_s=10)
    yield connection
    connection.close()


def read_request(wire: socket.socket) -> bytes:
    """Return a request whose body ends with `.`."""
    data = b""
    while not data.endswith(b"."):
        data += wire.recv(65536)
    return data


def in_thread(work: object) -> threading.Thread:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    return thread


def answering(server: Server, *answers: bytes, close: bool = False) -> threading.Thread:
    """Answer that many requests on the next connection."""

    def serve() -> None:
        wire = server.accept()
        for answer in answers:
            read_request(wire)
            wire.sendall(answer)
        if close:
            wire.close()

    return in_thread(serve)


def test_requests_share_a_connection(server: Server, connect: Connection) -> None:
    thread = answering(server, OK, OK)
    for _ in range(2):
        answer = connect.post("/x", [b"body."], content_type="text/plain")
        assert (answer.status, answer.content) == (200, b"ok")
    thread.join()
    assert len(server.connections) == 1


def test_one_that_the_server_closed_is_renewed_without_an_error(server: Server, connect: Connection) -> None:
    thread = answering(server, OK, close=True)
    assert connect.post("/x", [b"1."], content_type="text/plain").status == 200
    thread.join()
    thread = answering(server, OK)
    assert connect.post("/x", [b"2."], content_type="text/plain").status == 200
    thread.join()
    assert len(server.connections) == 2


def test_after_an_error_the_next_request_has_a_new_connection(server: Server, connect: Connection) -> None:
    thread = answering(server, b"nonsense\r\n\r\n", close=True)
    with pytest.raises(HTTPException):
        connect.post("/x", [b"1."], content_type="text/plain")
    thread.join()
    thread = answering(server, OK)
    assert connect.post("/x", [b"2."], content_type="text/plain").status == 200
    thread.join()


def test_giving_up_ends_a_request_at_once(server: Server, connect: Connection) -> None:
    failed: list[BaseException] = []

    def post() -> None:
        try:
            connect.post("/x", [b"1."], content_type="text/plain")
        except OSError as error:
            failed.append(error)

    thread = in_thread(post)
    read_request(server.accept())
    connect.abort()
    thread.join(5)
    assert not thread.is_alive()
    assert len(failed) == 1


def test_a_long_answer_is_cut_and_does_not_spoil_the_next(server: Server, connect: Connection) -> None:
    long = b"x" * (ANSWER_BYTES_MAX + 1)
    thread = answering(server, b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(long), long))
    answer = connect.post("/x", [b"1."], content_type="text/plain")
    assert (answer.status, len(answer.content)) == (500, ANSWER_BYTES_MAX)
    thread.join()
    thread = answering(server, OK)
    assert connect.post("/x", [b"2."], content_type="text/plain").status == 200
    thread.join()


def test_path_and_credentials_of_the_url_are_used(server: Server) -> None:
    connection = Connection(server.url.replace("//", "//us%40er:pass@") + "/clew/", timeout_s=10)
    asked: list[bytes] = []

    def serve() -> None:
        wire = server.accept()
        asked.append(read_request(wire))
        wire.sendall(OK)

    thread = in_thread(serve)
    connection.post("/ingest", [b"."], content_type="text/plain")
    thread.join()
    connection.close()
    assert asked[0].startswith(b"POST /clew/ingest HTTP/1.1\r\n")
    assert b"Authorization: Basic dXNAZXI6cGFzcw==\r\n" in asked[0]  # us@er:pass
