"""A TCP relay that stands between a client and a broker, and can swallow answers, cut, or be away."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = ["Relay"]

T = TypeVar("T")
READ_BYTES = 1 << 16


class Relay:
    """Listens on loopback from `with` on and passes bytes to `target` and back, in a thread of its own."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._led = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._answers_pass = asyncio.Event()
        self._answers_pass.set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listening.close()

    def lead_nowhere(self) -> None:
        """Break every connection, and each new one at once."""
        self._led = False
        self.cut()

    def lead_there(self) -> None:
        """Pass new connections on again."""
        self._led = True

    def hold_answers(self) -> None:
        """Let through what the client sends, and nothing that the broker answers."""
        self._loop.call_soon_threadsafe(self._answers_pass.clear)

    def pass_answers(self) -> None:
        """Let through both ways; what was held goes first."""
        self._loop.call_soon_threadsafe(self._answers_pass.set)

    def cut(self) -> None:
        """Break every connection; new ones are taken. Answers that were held are lost, later ones pass."""
        self._do(self._cut())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listening.dup())

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        connections = set(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        self._answers_pass.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        broker_writer: asyncio.StreamWriter | None = None
        try:
            if not self._led:
                return
            broker_reader, broker_writer = await asyncio.open_connection(*self._target)
            ways = [
                asyncio.ensure_future(self._pass(reader, broker_writer, answers=False)),
                asyncio.ensure_future(self._pass(broker_reader, writer, answers=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            """Whoever ended it knows why."""
        finally:
            self._connections.discard(task)
            for one in (writer, broker_writer):
                if one is not None:
                    one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while data := await reader.read(READ_BYTES):
            if answers:
                await self._answers_pass.wait()
            writer.write(data)
            await writer.drain()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)
