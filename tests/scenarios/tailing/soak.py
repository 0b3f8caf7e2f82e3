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
from pathlib import Path

from tests.scenarios.tailing.clew_program import ClewProgram
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Tier

ROTATE_EVERY_S = 2.0
LINES_PER_TURN = 5
TURN_S = 0.05
# As logrotate's `rotate`: longer than any outage here, and what is behind. Files that stay would be memory that grows.
KEEP_S = 60.0
# What a young process allocates says nothing about how it grows.
YOUNG_S = 20.0


def write(stage: Stage, stop: threading.Event) -> None:
    """Write to every file in turn, and rotate each every two seconds, at moments of its own."""
    rng = random.Random(1)
    due = {path: time.monotonic() + rng.random() * ROTATE_EVERY_S for path in stage.paths}
    rotated: deque[tuple[float, Path]] = deque()
    rotations = 0
    while not stop.wait(TURN_S):
        for path in stage.paths:
            stage.append(path, LINES_PER_TURN)
            if time.monotonic() >= due[path]:
                due[path] += ROTATE_EVERY_S
                rotations += 1
                rotated.append((time.monotonic(), stage.rotate(path, f"{path.name}.{rotations}")))
        while rotated and rotated[0][0] < time.monotonic() - KEEP_S:
            rotated.popleft()[1].unlink()


def resident_mib(program: ClewProgram) -> float:
    """Return how much memory the agent has now."""
    process = program.agent.process
    status = Path(f"/proc/{process.pid}/status").read_text() if process else ""
    rows = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(rows[0].split()[1]) / 1024 if rows else 0.0


def disturb(stage: Stage, program: ClewProgram, until: float, rng: random.Random) -> list[list[tuple[float, float]]]:
    """Kill, stop, and take the receiver away; return the memory of each life of the agent, over time."""
    lives: list[list[tuple[float, float]]] = [[]]
    born = time.monotonic()
    next_act = born + rng.uniform(20, 60)
    while time.monotonic() < until:
        time.sleep(1)
        lives[-1].append((time.monotonic() - born, resident_mib(program)))
        if time.monotonic() < next_act:
            continue
        act = rng.choice(["kill", "stop", "outage", "outage and kill"])
        if "outage" in act:
            stage.receiver.down()
            time.sleep(rng.uniform(1, 15))
        if act in ("kill", "outage and kill", "stop"):
            program.stop() if act == "stop" else program.kill()
            time.sleep(rng.uniform(0, 2))
            program.start()
            lives.append([])
            born = time.monotonic()
        stage.receiver.up()
        next_act = time.monotonic() + rng.uniform(20, 60)
    return lives


def slope_mib_per_min(lives: list[list[tuple[float, float]]]) -> float:
    """Return how fast memory grew in the longest life, once that was no longer young."""
    longest = [point for point in max(lives, key=len) if point[0] >= YOUNG_S]
    if len(longest) < 10:
        return 0.0
    return statistics.linear_regression(*zip(*longest, strict=True)).slope * 60


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.files} files, {arguments.seconds:.0f} s")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        program = ClewProgram(Path(folder))
        program.patience_s = 120
        stop = threading.Event()
        try:
            stage = Stage(Path(folder), program, files=arguments.files)
            stage.configure(paths=("*.log*",))
            stage.start()
            writer = threading.Thread(target=write, args=(stage, stop))
            writer.start()
            lives = disturb(stage, program, time.monotonic() + arguments.seconds, random.Random(arguments.seed))
            stop.set()
            writer.join()
            verdict = stage.finish()
        finally:
            stop.set()
            program.close()
    peak = max((mib for life in lives for _, mib in life), default=0.0)
    print(f"{stage.written.total()} lines written, {len(lives)} lives of the agent: {verdict} {verdict.example}")
    print(f"lost {verdict.lost}, doubled under another id {verdict.doubled}, corrupt {verdict.corrupt}, out of order")
    print(f"{verdict.disordered}; came again under the same id {verdict.repeated}")
    print(f"memory: at most {peak:.1f} MiB, {slope_mib_per_min(lives):+.2f} MiB a minute in the longest life")
    raise SystemExit(0 if verdict.holds(Tier.DOUBLE) else 1)


if __name__ == "__main__":
    main()
