"""Elasticsearch away for minutes while lines keep coming: memory of agent and collector meanwhile, and how it ends.

Lines wait in Kafka. The memory of what reads them must not grow with the time that the store is away.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from agent import json_line
from elastic import settings_of
from kafka import CLEW, agent_config, collector, stored, topics_at
from processes import resident_mib

sys.path.append(str(Path(__file__).resolve().parent.parent))

from deploy.engines import Elasticsearch, Kafka

from clew_agent.logs import configure_logs

LINES_AT_ONCE = 30
PAUSE_S = 0.01
AT_WORK_S = 60.0
SAMPLE_S = 1.0
CATCH_UP_S_MAX = 1800.0


class Writer:
    """Appends lines to a file until it is told to stop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.lines = 0
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        luck = random.Random(7)
        with self._path.open("a") as file:
            while not self._stop.wait(PAUSE_S):
                file.writelines(json_line(self.lines + i, luck) + "\n" for i in range(LINES_AT_ONCE))
                file.flush()
                self.lines += LINES_AT_ONCE


def sample(pids: dict[str, int], seconds: float) -> dict[str, list[tuple[float, float]]]:
    """Return (seconds, MiB resident) of each process, looked at for so long."""
    began = time.monotonic()
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in pids}
    while (at := time.monotonic() - began) < seconds:
        for name, pid in pids.items():
            seen[name].append((at, resident_mib(pid)))
        time.sleep(SAMPLE_S)
    return seen


def described(before: list[tuple[float, float]], away: list[tuple[float, float]]) -> dict[str, float]:
    """Return what memory did, in MiB; the slope is that of the second half, when buffers have filled."""
    half = away[len(away) // 2 :]
    slope = statistics.linear_regression([at for at, _ in half], [mib for _, mib in half]).slope
    return {
        "most_before": round(max(mib for _, mib in before), 1),
        "most_away": round(max(mib for _, mib in away), 1),
        "growth_per_minute": round(slope * 60, 2),
    }


def measure(scratch: Path, kafka: Kafka, elastic: Elasticsearch, away_s: float) -> dict[str, object]:
    """Work, be without Elasticsearch for so long, catch up; return the figures."""
    file = scratch / "live.log"
    file.touch()
    topics, settings = topics_at(kafka.bootstrap), settings_of(elastic.url)
    config = agent_config(scratch, topics, sources=[{"paths": [str(file)]}])
    with (
        collector(scratch, topics, settings) as (url, watch),
        subprocess.Popen([*CLEW, "agent", "run", "--config", config]) as agent,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        writer = Writer(file)
        try:
            pids = {"agent": agent.pid, "collector": watch.pid}
            before = sample(pids, AT_WORK_S)
            elastic.kill()
            away = sample(pids, away_s)
            elastic.start_node()
            elastic.wait_ready()
            returned, waiting = time.monotonic(), writer.lines - stored(client)
            writer.stop()
            while (found := stored(client)) < writer.lines and time.monotonic() < returned + CATCH_UP_S_MAX:
                time.sleep(0.1)
            caught_up_s = time.monotonic() - returned
        finally:
            writer.stop()
            agent.send_signal(signal.SIGTERM)
            agent.wait(30)
    return {
        "away_s": away_s,
        "lines": writer.lines,
        "stored": found,
        "waiting_when_it_was_back": waiting,
        "caught_up_s": round(caught_up_s, 1),
        "memory_mib": {name: described(before[name], away[name]) for name in pids},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long Elasticsearch is away")
    arguments = parser.parse_args()
    configure_logs(level="warning")
    with (
        tempfile.TemporaryDirectory() as scratch,
        tempfile.TemporaryDirectory(prefix="clew-bench-", ignore_cleanup_errors=True) as folder,
    ):
        Path(folder).chmod(0o755)  # Elasticsearch runs as another user where this is root
        kafka = Kafka.start(Path(folder) / "kafka")
        try:
            elastic = Elasticsearch.start(Path(folder) / "elasticsearch")
            try:
                print(json.dumps(measure(Path(scratch), kafka, elastic, arguments.seconds), indent=1))
            finally:
                elastic.stop()
        finally:
            kafka.stop()


if __name__ == "__main__":
    main()
