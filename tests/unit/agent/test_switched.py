"""A transport is exchanged without cutting off what is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.chunks import chunk_of

from clew_agent.transport import SwitchedTransport
from clew_agent.wire import Chunk, Heartbeat


class Slow:
    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.sent = 0
        self.closed = False

    async def send(self, chunks: Sequence[Chunk]) -> None:
        await self.goes_on.wait()
        assert not self.closed
        self.sent += len(chunks)

    async def heartbeat(self, beat: Heartbeat) -> None:
        self.sent += 1

    async def close(self) -> None:
        self.closed = True


async def test_the_replaced_one_is_closed_once_its_last_chunk_arrived() -> None:
    old, new = Slow(), Slow()
    transport = SwitchedTransport(old)
    sending = asyncio.create_task(transport.send([chunk_of([b"1\n"])]))
    await asyncio.sleep(0)
    await transport.switch(new)
    assert not old.closed
    old.goes_on.set()
    await sending
    assert (old.sent, old.closed) == (1, True)
    new.goes_on.set()
    await transport.send([chunk_of([b"1\n"])])
    await transport.heartbeat(Heartbeat(agent_id="a", host="h", version="1", sent_ns=1, started_ns=1))
    assert new.sent == 2
    await transport.close()
    assert new.closed


async def test_an_idle_one_is_closed_at_once() -> None:
    old = Slow()
    transport = SwitchedTransport(old)
    await transport.switch(Slow())
    assert old.closed
