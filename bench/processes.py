"""Watching a program's process tree from outside, by /proc: CPU seconds and peak resident memory of each process."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.05
ROLES = {"agent": b"agent", "learner": b"clew_query.path.learned.apart"}
"""By a word of its command line."""


@dataclass
class Usage:
    """What one process used. CPU is as of the last sample, at most SAMPLE_S before its end."""

    name: str
    cpu_s: float
    peak_mib: float


class Watch:
    """Samples the tree under a process until it ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._root = process.pid
        self._seen: dict[int, Usage] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return self._root

    def finish(self) -> dict[str, Usage]:
        """Stop sampling; usage by name (`server`, `agent`, `learner`)."""
        self._stop.set()
        self._thread.join()
        return {usage.name: usage for usage in self._seen.values()}

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            for pid in self._tree():
                self._sample(pid)

    def _tree(self) -> list[int]:
        children = Path(f"/proc/{self._root}/task/{self._root}/children")
        try:
            return [self._root, *map(int, children.read_text().split())]
        except OSError:
            return []

    def _sample(self, pid: int) -> None:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return  # it ended between two looks
        name = next((name for name, word in ROLES.items() if word in arguments), "server")
        peak = next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
        before = self._seen.get(pid)
        if before is not None:
            # A process that has just ended is still listed, without its memory and its name.
            name, peak = before.name, max(peak, before.peak_mib)
        self._seen[pid] = Usage(name, (int(stat[11]) + int(stat[12])) / TICKS_PER_S, peak)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a running process has used."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS_PER_S


def resident_mib(pid: int) -> float:
    """Return the memory of a running process, MiB; OSError if it is not there."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def wait_for_url(process: subprocess.Popen[bytes], url: str, timeout_s: float) -> None:
    """Return when GET url answers 200; RuntimeError when the process ended or the time is over."""
    import httpx  # noqa: PLC0415 - only the benches that serve need it

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the program ended with {process.returncode}")
        try:
            if httpx.get(url, timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {timeout_s} s")
