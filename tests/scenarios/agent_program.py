"""The agent as people run it: a process of its own, with a configuration file and a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

__all__ = ["AgentProgram"]


class AgentProgram:
    """One installation: a configuration, and processes one after the other. Ends what it started."""

    def __init__(self, folder: Path, server: str, *, prefix: Sequence[str] = (), **settings: Any) -> None:
        self.data = folder / "agent"
        self.config = folder / "agent.yaml"
        self.errors = folder / "agent.stderr"
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        content = {
            "sources": [{"paths": [f"{folder}/logs/*.log"]}],
            "server": server,
            "data": str(self.data),
            "scan_interval_s": 0.2,
            "retry_initial_s": 0.01,
            "retry_max_s": 0.1,
            "heartbeat_interval_s": 0.2,
            "status_interval_s": 0.1,
            "checkpoint_interval_s": 0.05,
            **settings,
        }
        self.config.write_bytes(msgspec.yaml.encode(content))

    def __enter__(self) -> AgentProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """What runs, or ran until it ended by itself."""
        return self._process

    def take_over(self, other: AgentProgram) -> None:
        """Own the other one's process: the same installation, configured anew."""
        self._process, other._process = other._process, None

    def start(self, *arguments: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start `clew agent run` in the background."""
        assert self._process is None
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                self._command("run", *arguments), stderr=errors, pass_fds=pass_fds, cwd="/"
            )
        return self._process

    def call(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `clew agent COMMAND` to its end."""
        return subprocess.run(
            self._command(command, *arguments),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
            env={**os.environ, "NO_COLOR": "1"},
        )

    def kill(self) -> None:
        """kill -9, if it runs."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        return process.wait(30)

    def _command(self, command: str, *arguments: str) -> list[str]:
        return [
            *self._prefix,
            sys.executable,
            "-m",
            "clew_agent",
            "agent",
            command,
            "--config",
            str(self.config),
            *arguments,
        ]
