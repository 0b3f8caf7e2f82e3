"""The JDK's own programs."""

from __future__ import annotations

import subprocess

from .errors import EngineError
from .places import java_home

__all__ = ["run_jdk"]

WAIT_S = 60.0


def run_jdk(program: str, *arguments: str) -> None:
    """Run one of them to its end. EngineError with its output when it fails."""
    command = [str(java_home() / "bin" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    if done.returncode:
        raise EngineError(f"{program} failed: {done.stdout}{done.stderr}")
