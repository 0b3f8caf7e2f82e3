"""Starting processes and stopping what was started: each by its own pid, the last one first, whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from clew_agent.errors import ClewError

__all__ = ["Stage", "StageError"]

STOP_TIMEOUT_S = 10.0
TAIL_CHARACTERS_MAX = 2000


class StageError(ClewError):
    """A process of the demo ended though it should run."""


class Stage:
    """The demo's processes; leaving it stops them all."""

    def __init__(self, *, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self._stop_timeout_s = stop_timeout_s
        self._processes: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """The processes that were started, in that order."""
        return [process.pid for _, process, _ in self._processes]

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        stdout: Path,
        stderr: Path,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Run Python with these arguments; what it writes is appended to the two files."""
        out = self._files.enter_context(stdout.open("ab"))
        words = self._files.enter_context(stderr.open("ab"))
        process = subprocess.Popen(  # noqa: S603 - our own modules
            [*_dying_with_us(), sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=words,
            env={**os.environ, **(environment or {})},
            pass_fds=pass_fds,
            # A Ctrl-C on the terminal comes to the demo alone, which then stops everything in order.
            start_new_session=True,
        )
        self._processes.append((name, process, stderr))

    def check(self) -> None:
        """Raise StageError with a process's last words if one has ended."""
        for name, process, stderr in self._processes:
            if (status := process.poll()) is not None:
                words = stderr.read_text(errors="replace")[-TAIL_CHARACTERS_MAX:].strip()
                raise StageError(
                    f"{name} ended with status {status}:\n{words}", hint="`clew demo --keep` keeps its files"
                )

    def stop(self) -> None:
        """Stop the last one first; one that does not end in time is killed."""
        for _, process, _ in reversed(self._processes):
            process.terminate()
            try:
                process.wait(self._stop_timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._files.close()


def _dying_with_us() -> list[str]:
    # A demo that is killed cannot stop anybody: where util-linux is there, the kernel does it.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
