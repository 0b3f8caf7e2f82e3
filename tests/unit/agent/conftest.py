"""A tailer over the files of a folder, and one of these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.agent.follower import Follow, Follower


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    made: list[Follower] = []

    def make(**settings: Any) -> Follower:
        made.append(Follower(tmp_path, **settings))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"
