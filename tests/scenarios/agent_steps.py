"""Writing lines for an agent, and saying which arrived."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path

from tests.scenarios.agent_program import AgentProgram

__all__ = ["append", "has", "numbered", "wait_for_status"]


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def has(*lines: str) -> object:
    expected = Counter(line.encode() for line in lines)
    return lambda sink: sink.lines() == expected


def numbered(name: str, first: int, last: int) -> list[str]:
    return [f"{name} {i}" for i in range(first, last)]


def wait_for_status(agent: AgentProgram, true: object) -> dict[str, object]:
    """Read status.json as it is replaced, until it says so."""
    deadline = time.monotonic() + 30
    pause = threading.Event()
    while time.monotonic() < deadline:
        path = agent.data / "status.json"
        status = json.loads(path.read_text()) if path.exists() else None
        if status and true(status):  # type: ignore[operator]
            return status  # type: ignore[no-any-return]
        pause.wait(0.02)
    raise AssertionError(f"not within 30 s: {agent.errors.read_text()[-2000:]}")
