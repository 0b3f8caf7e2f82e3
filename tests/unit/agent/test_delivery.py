from __future__ import annotations

import pytest
from opentelemetry.metrics import NoOpMeterProvider

from clew_agent.delivery import Delivery
from clew_agent.errors import TransportUnavailable
from clew_agent.metrics import Metrics
from clew_agent.transport import MemoryTransport, RetryPolicy
from clew_agent.wire import Chunk, Source, pack_u32


def chunk(number: int) -> Chunk:
    source = Source(file_id=b"%010d" % number, path="/a", host="h", service="s")
    return Chunk(source=source, observed_ns=1, start=0, lengths=pack_u32([2]), payload=b"x\n")


class Waits:
    """A sleep that does not, and remembers."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def delivery(transport: MemoryTransport, waits: Waits) -> Delivery:
    metrics = Metrics(NoOpMeterProvider().get_meter("test"))
    return Delivery(transport, RetryPolicy(1.0, 8.0), metrics, luck=lambda: 1.0, sleep=waits)


async def test_goes_on_until_the_receiver_has_it() -> None:
    transport, waits = MemoryTransport(), Waits()
    for _ in range(6):
        transport.fail_next(TransportUnavailable("down"))
    assert await delivery(transport, waits).deliver([chunk(1)]) == [[]]
    assert waits.waited == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert len(transport.chunks) == 1


async def test_says_what_the_trouble_is_and_that_it_is_over() -> None:
    transport = MemoryTransport()
    transport.fail_next(TransportUnavailable("down"))
    seen: list[str] = []

    async def look(_seconds: float) -> None:
        seen.append(under_test.trouble)

    metrics = Metrics(NoOpMeterProvider().get_meter("test"))
    under_test = Delivery(transport, RetryPolicy(1.0, 8.0), metrics, sleep=look)
    await under_test.deliver([chunk(1)])
    assert (seen, under_test.trouble) == (["down"], "")


async def test_finds_the_one_that_is_refused_and_delivers_the_others_in_order() -> None:
    transport = MemoryTransport(refuses=lambda c: c.source.file_id == b"%010d" % 3)
    refusals = await delivery(transport, Waits()).deliver([chunk(i) for i in range(6)])
    assert [bool(refusal) for refusal in refusals] == [False, False, False, True, False, False]
    assert [c.source.file_id for c in transport.chunks] == [b"%010d" % i for i in (0, 1, 2, 4, 5)]


def lines_of(number: int, lines: list[bytes]) -> Chunk:
    source = Source(file_id=b"%010d" % number, path="/a", host="h", service="s")
    payload = b"".join(lines)
    return Chunk(
        source=source, observed_ns=1, start=100, lengths=pack_u32([len(line) for line in lines]), payload=payload
    )


@pytest.mark.parametrize("bad", [[0], [999], [412], [3, 4, 700], list(range(20))], ids=str)
async def test_of_a_refused_chunk_only_the_lines_are_refused_that_must_be(bad: list[int]) -> None:
    """They are found by halving, in the file's order, with the range that they have in it."""
    transport = MemoryTransport(refuses=lambda c: b"bad" in c.payload)
    lines = [b"bad %04d\n" % i if i in bad else b"good%04d\n" % i for i in range(1000)]
    refused = (await delivery(transport, Waits()).deliver([lines_of(1, lines)]))[0]
    assert [(r.line.start, r.line.end, r.line.payload) for r in refused] == [
        (100 + 9 * i, 109 + 9 * i, lines[i]) for i in bad
    ]
    assert {r.why for r in refused} == {"the chunk is not wanted"}
    assert b"".join(c.payload for c in transport.chunks) == b"".join(line for line in lines if b"bad" not in line)
    assert transport.sends <= 2 * len(bad) * 11


async def test_where_every_line_is_refused_there_are_twice_as_many_requests_as_lines() -> None:
    transport = MemoryTransport(refuses=lambda _: True)
    refused = await delivery(transport, Waits()).deliver([lines_of(i, [b"x\n"] * 50) for i in range(4)])
    assert [len(r) for r in refused] == [50] * 4
    assert transport.sends < 2 * 200
