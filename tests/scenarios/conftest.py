"""An agent, its logs, and who receives them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scenarios.agent_program import AgentProgram
from tests.sink import Sink


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def agent(tmp_path: Path, logs: Path, sink: Sink) -> Iterator[AgentProgram]:
    with AgentProgram(tmp_path, sink.url) as program:
        yield program
