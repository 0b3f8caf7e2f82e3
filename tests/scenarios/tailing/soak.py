"""Write to many files that are rotated all the time, kill the agent and its receiver at random, and count.

`python -m tests.scenarios.tailing.soak [--seconds 600] [--files 50] [--seed N]` prints how many lines were lost,
doubled, corrupt and out of order, and how the agent's memory grew; exits 1 unless all counts are zero.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tests.scenarios.tailing.clew_program import ClewProgram
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Tier, Verdict

LINES_PER_TURN = 5
TURN_S = 0.05
DELETE_EVERY_S = 1.0
# What a young process allocates says nothing about how it grows.
YOUNG_S = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the agent. Times in seconds."""

    seconds: float = 600.0
    files: int = 50
    rotate_every_s: float = 2.0
    keep_s: float = 60.0
    """Rotated files are deleted so much later, as by logrotate's `rotate`; but never before all their lines arrived.

    Files that stay would be memory that grows; the inodes of those that go are used again.
    """
    quiet_s: tuple[float, float] = (20.0, 60.0)
    """Between two disturbances: least and most."""
    outage_s: tuple[float, float] = (1.0, 15.0)
    open_files_max: int = 0
    """0: the agent's default."""
    patience_s: float = 120.0


class Outcome(NamedTuple):
    """What came of it."""

    lines: int
    verdict: Verdict
    lives: list[list[tuple[float, float]]]
    """The memory of each life of the agent: seconds since its start, MiB."""


class Rotated:
    """Rotated files, until they are deleted."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._files: deque[tuple[float, Path, bytes]] = deque()
        self._arrived: set[bytes] = set()
        self._looked_at = 0

    def add(self, path: Path, last_line: bytes) -> None:
        """Take a file that nobody writes any more."""
        self._files.append((time.monotonic(), path, last_line))

    def delete(self, keep_s: float) -> None:
        """Delete the files that are old enough, up to the first one that has not arrived."""
        if not self._files or self._files[0][0] > time.monotonic() - keep_s:
            return
        deliveries = self._stage.receiver.deliveries()
        self._arrived.update(line for _, line in islice(deliveries, self._looked_at, None))
        self._looked_at = len(deliveries)
        while self._files and self._files[0][0] <= time.monotonic() - keep_s and self._files[0][2] in self._arrived:
            self._files.popleft()[1].unlink()


def write(stage: Stage, plan: Plan, stop: threading.Event) -> None:
    """Write to every file in turn, and rotate each again and again, at moments of its own."""
    rng = random.Random(1)
    due = {path: time.monotonic() + rng.random() * plan.rotate_every_s for path in stage.paths}
    delete_at = time.monotonic() + DELETE_EVERY_S
    rotated = Rotated(stage)
    rotations = 0
    while not stop.wait(TURN_S):
        for path in stage.paths:
            last_line = stage.append(path, LINES_PER_TURN)[-1]
            if time.monotonic() >= due[path]:
                due[path] += plan.rotate_every_s
                rotations += 1
                rotated.add(stage.rotate(path, f"{path.name}.{rotations}"), last_line)
        if time.monotonic() >= delete_at:
            rotated.delete(plan.keep_s)
            delete_at = time.monotonic() + DELETE_EVERY_S


def resident_mib(program: ClewProgram) -> float:
    """Return how much memory the agent has now."""
    process = program.agent.process
    status = Path(f"/proc/{process.pid}/status").read_text() if process else ""
    rows = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(rows[0].split()[1]) / 1024 if rows else 0.0


def disturb(stage: Stage, program: ClewProgram, plan: Plan, rng: random.Random) -> list[list[tuple[float, float]]]:
    """Kill, stop, and take the receiver away; return the memory of each life. RuntimeError if the agent ends itself."""
    lives: list[list[tuple[float, float]]] = [[]]
    born = time.monotonic()
    until = born + plan.seconds
    next_act = born + rng.uniform(*plan.quiet_s)
    while time.monotonic() < until:
        time.sleep(min(1.0, plan.quiet_s[0] / 2))
        if not program.alive():
            raise RuntimeError(f"the agent ended by itself:\n{program.agent.errors.read_text()[-4000:]}")
        lives[-1].append((time.monotonic() - born, resident_mib(program)))
        if time.monotonic() < next_act:
            continue
        act = rng.choice(["kill", "stop", "outage", "outage and kill"])
        if "outage" in act:
            stage.receiver.down()
            time.sleep(rng.uniform(*plan.outage_s))
        if act in ("kill", "outage and kill", "stop"):
            program.stop() if act == "stop" else program.kill()
            time.sleep(rng.uniform(0, 2))
            program.start()
            lives.append([])
            born = time.monotonic()
        stage.receiver.up()
        next_act = time.monotonic() + rng.uniform(*plan.quiet_s)
    return lives


def soak(folder: Path, plan: Plan, seed: int) -> Outcome:
    """Play the plan in an empty folder. RuntimeError if the agent ends by itself."""
    program = ClewProgram(folder)
    program.patience_s = plan.patience_s
    stop = threading.Event()
    try:
        stage = Stage(folder, program, files=plan.files)
        stage.configure(paths=("*.log*",), open_files_max=plan.open_files_max)
        stage.start()
        writer = threading.Thread(target=write, args=(stage, plan, stop))
        writer.start()
        try:
            lives = disturb(stage, program, plan, random.Random(seed))
        finally:
            stop.set()
            writer.join()
        return Outcome(stage.written.total(), stage.finish(), lives)
    finally:
        program.close()


def slope_mib_per_min(lives: list[list[tuple[float, float]]]) -> float:
    """Return how fast memory grew in the longest life, once that was no longer young."""
    longest = [point for point in max(lives, key=len) if point[0] >= YOUNG_S]
    if len(longest) < 10:
        return 0.0
    return statistics.linear_regression(*zip(*longest, strict=True)).slope * 60


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Plan()
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--files", type=int, default=usual.files)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.files} files, {arguments.seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        plan = Plan(seconds=arguments.seconds, files=arguments.files)
        lines, verdict, lives = soak(Path(folder), plan, arguments.seed)
    peak = max((mib for life in lives for _, mib in life), default=0.0)
    print(f"{lines} lines written, {len(lives)} lives of the agent: {verdict} {verdict.example}")
    print(f"lost {verdict.lost}, doubled under another id {verdict.doubled}, corrupt {verdict.corrupt}, out of order")
    print(f"{verdict.disordered}; came again under the same id {verdict.repeated}")
    print(f"memory: at most {peak:.1f} MiB, {slope_mib_per_min(lives):+.2f} MiB a minute in the longest life")
    raise SystemExit(0 if verdict.holds(Tier.DOUBLE) else 1)


if __name__ == "__main__":
    main()
