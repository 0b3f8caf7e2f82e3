"""One engine's process: started in its own session, known by pid and start time, stopped by them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EngineError

__all__ = ["Process", "tail"]

STOP_WAIT_S = 30.0
KILL_WAIT_S = 10.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """The leader of a session. Its start time tells it apart from a later process with the same number."""

    pid: int
    started: int

    @classmethod
    def start(
        cls,
        command: Sequence[str | Path],
        *,
        folder: Path,
        output: Path,
        environment: Mapping[str, str] | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> Process:
        """Start it in the folder, its output added to a file. It outlives its parent."""
        with output.open("ab") as sink:
            try:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **(environment or {})},
                    **(identity or {}),
                )
            except OSError as error:
                raise EngineError(f"{command[0]} could not be started: {error}") from error
        started = _start_time(child.pid)
        # Nobody waits for it by this object: the one who looks may be another process. `alive` reaps it here.
        child.returncode = 0
        if started is None:
            raise EngineError(f"{command[0]} ended at once: {tail(output)}")
        return cls(child.pid, started)

    @property
    def alive(self) -> bool:
        """Whether it runs; a zombie does not."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return _start_time(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send it, and what it started, a signal: SIGSTOP and SIGCONT are for tests."""
        if self.alive:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End it at once, with what it started, as a power cut would."""
        self.signal(signal.SIGKILL)
        self._wait(KILL_WAIT_S)

    def terminate(self) -> None:
        """Ask it to end."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, *, wait_s: float = STOP_WAIT_S) -> None:
        """Ask it to end, wait, and kill it when it does not."""
        self.terminate()
        with contextlib.suppress(EngineError):
            self._wait(wait_s)
            return
        self.kill()

    def _wait(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while self.alive or _session_lives(self.pid):
            if time.monotonic() > deadline:
                raise EngineError(f"process {self.pid} did not end within {wait_s} s")
            time.sleep(POLL_S)


def _start_time(pid: int) -> int | None:
    """Return when it started, in clock ticks since boot; None if there is none, or only its zombie (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _session_lives(leader: int) -> bool:
    """Return whether anything of the leader's session still runs: the server outlives its launcher for a moment."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] not in "ZX":
                return True
    return False


def tail(path: Path, characters: int = 2000) -> str:
    """Return the end of a file of output, for messages."""
    return path.read_text(errors="replace")[-characters:] if path.is_file() else ""
