"""Real lines: each id that a plain reader sees is found, and nothing else is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.agent.stamp.stamping import GENERATED, Stamp, stamps

from clew_agent.wire import Origin

pytestmark = pytest.mark.data

READ_BYTES = 1 << 17
# How the services of both systems write it, and no other way.
ID = re.compile(rb"(?i)trace_?id(?:\\?\"|')?[:=] ?(?:\\?\"|')?([0-9a-f]{32})\b")


def chunks_of(path: Path) -> list[bytes]:
    """Cut the file at line ends, as the agent reads it."""
    data = path.read_bytes()
    chunks: list[bytes] = []
    while data:
        end = data.rfind(b"\n", 0, READ_BYTES) + 1 or len(data)
        chunks.append(data[:end])
        data = data[end:]
    return chunks


def expected(line: bytes) -> Stamp:
    found = ID.search(line)
    return Stamp(found[1].decode(), Origin.LINE) if found and found[1].strip(b"0") else GENERATED


@pytest.mark.parametrize("system", ["trainticket", "onlineboutique"])
def test_every_line_of_a_microservice_system(system: str, request: pytest.FixtureRequest) -> None:
    origins: Counter[Origin] = Counter()
    for path in sorted(request.getfixturevalue(system).glob("hosts/*/*.log")):
        for chunk in chunks_of(path):
            found = stamps(chunk)
            lines = chunk.removesuffix(b"\n").split(b"\n")
            wrong = [
                pair for pair in zip(lines, found, strict=True) if expected(pair[0]) != pair[1]._replace(aliases=())
            ]
            assert wrong == []
            origins.update(stamp.origin for stamp in found)
    assert origins[Origin.LINE] > 1000


def test_logs_without_ids_get_none(loghub: Path) -> None:
    """Their block, session, job and application ids are no request's; none may look like one."""
    for path in sorted(loghub.glob("*_2k.log")):
        for chunk in chunks_of(path):
            assert set(stamps(chunk)) == {GENERATED}, path.name
