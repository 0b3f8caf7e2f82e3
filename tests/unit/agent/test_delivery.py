from __future__ import annotations

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
    assert await delivery(transport, waits).deliver([chunk(1)]) == [""]
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
