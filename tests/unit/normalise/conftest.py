"""One line in, one event out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from tests.unit.normalise.lines import WRITTEN, chunk_of

from clew_collector.event import Event
from clew_collector.normalise import Normaliser


@pytest.fixture(scope="session")
def normaliser() -> Normaliser:
    return Normaliser()


@pytest.fixture(scope="session")
def read(normaliser: Normaliser) -> Callable[..., Event]:
    """Return the event of one line, text or bytes."""

    def read_line(line: str | bytes, *, written: datetime | None = WRITTEN, trace: str = "") -> Event:
        raw = line.encode() if isinstance(line, str) else line
        (event,) = normaliser.events(chunk_of([raw], written=written, trace=trace))
        return event

    return read_line
