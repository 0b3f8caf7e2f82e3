"""Colours and progress are for terminals; a pipe and a file get plain words."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

ESCAPE = b"\x1b["


def told_by(command: list[str | Path], *, terminal: bool) -> bytes:
    """Return what a command writes to stderr, which is a terminal or a pipe."""
    reading, writing = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "clew_agent", *command], stdout=subprocess.DEVNULL, stderr=writing, env=environment
    )
    os.close(writing)
    told = b""
    try:
        while part := os.read(reading, 4096):
            told += part
    except OSError:  # how a terminal says that its other end is closed
        pass
    finally:
        os.close(reading)
    assert process.wait(60) == 0, told.decode()
    return told


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_and_colours(tmp_path: Path, *, terminal: bool) -> None:
    (tmp_path / "a.log").write_text("hello\n" * 1000)
    data = tmp_path / "data"
    told = told_by(["up", "--once", "--watch", str(tmp_path / "*.log"), "--data", data], terminal=terminal)
    assert (ESCAPE in told) is terminal
    assert (ESCAPE in told_by(["replay", "--data", data], terminal=terminal)) is terminal
