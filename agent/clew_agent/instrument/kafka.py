"""Messages take the hop along; a message that is worked on is a hop of its consumer. For aiokafka.

await producer.send("orders", value, headers=message_headers())
async for record in consumer:
    with handling(record):
        ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from opentelemetry.trace import SpanKind

from .context import carry, continued

__all__ = ["handling", "message_headers"]


class Record(Protocol):
    """What is asked of a record: aiokafka's ConsumerRecord has it, and kafka-python's."""

    @property
    def topic(self) -> str:
        """Return where it came from."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return its headers in order; a name may stand there twice."""


def message_headers(others: Iterable[tuple[str, bytes]] = ()) -> list[tuple[str, bytes]]:
    """Return the headers of a message: the hop's, and the given ones, which stay as they are."""
    given = list(others)
    names = {name.lower() for name, _ in given}
    return [*given, *((name, value.encode()) for name, value in carry().items() if name not in names)]


@contextmanager
def handling(record: Record) -> Iterator[None]:
    """Work on a record in a hop that its sender called."""
    headers: dict[str, str] = {}
    for name, value in record.headers:
        headers.setdefault(name.lower(), (value or b"").decode(errors="replace"))
    with continued(f"process {record.topic}", headers, SpanKind.CONSUMER):
        yield
