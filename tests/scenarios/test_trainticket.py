"""A real day of a real system through the real programs: every line once, whatever is killed when."""

from __future__ import annotations

import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [pytest.mark.data, pytest.mark.timeout(900)]

LINES = 168_642
ROOT = Path(__file__).resolve().parent.parent.parent
CLEW = [sys.executable, "-m", "clew_agent"]
TRANSACTION = re.compile(rb"TraceID: ([0-9a-f]{32})")


@pytest.fixture
def config(trainticket: Path) -> Path:
    """The example configuration beside the unpacked hosts/."""
    path = trainticket / "trainticket.yaml"
    path.write_text((ROOT / "deploy/examples/trainticket.yaml").read_text())
    return path


def clew(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*CLEW, *arguments], capture_output=True, timeout=600, check=False)


def up_once(config: Path, data: Path) -> dict[str, object]:
    done = clew("up", "--once", "--config", config, "--data", data, "--json")
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return dict(json.loads(done.stdout))


LIFE_S = 0.5
"""About how long an agent lives that starts, and has a twentieth of the day to send."""


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def lines_by_transaction(hosts: Path) -> dict[str, collections.Counter[bytes]]:
    found: dict[str, collections.Counter[bytes]] = collections.defaultdict(collections.Counter)
    for file in hosts.glob("*/*.log"):
        for line in file.read_bytes().split(b"\n"):
            for name in set(TRANSACTION.findall(line)):
                found[name.decode()][line] += 1
    return found


def test_every_line_is_stored_once_and_every_transaction_has_exactly_its_lines(
    trainticket: Path, config: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    first = up_once(config, data)
    assert (first["lines_read"], first["lines_added"], first["lines_stored"]) == (LINES, LINES, LINES)
    assert first["clean"]

    again = up_once(config, data)
    assert (again["lines_added"], again["lines_stored"]) == (0, LINES)

    audit = clew("audit", "--data", data)
    assert audit.returncode == 0, audit.stdout.decode()

    traced = clew("trace", "--all", "--json", "--data", data)
    assert traced.returncode == 0, traced.stderr.decode()[-2000:]
    truth = lines_by_transaction(trainticket / "hosts")
    seen = set()
    for row in traced.stdout.splitlines():
        transaction = json.loads(row)
        name = transaction["transaction_id"]
        seen.add(name)
        assert not transaction["truncated"]
        assert collections.Counter(e["original"].encode() for e in transaction["events"]) == truth[name], name
    assert seen == set(truth)


def grow(hosts: Path, target: Path, share: float) -> None:
    """Append to the copies what they lack of this share of each file, up to a line's end."""
    for file in hosts.glob("*/*.log"):
        data = file.read_bytes()
        copy = target / file.relative_to(hosts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("ab") as opened:
            opened.write(data[opened.tell() : data.rfind(b"\n", 0, int(len(data) * share)) + 1])


def test_killed_at_random_moments_every_line_is_still_stored_once(
    trainticket: Path, config: Path, tmp_path: Path
) -> None:
    """Twenty times, spread over all of the day's lines: at each there is a twentieth more of them in the files."""
    data, rng = tmp_path / "data", random.Random(168642)
    shutil.copy(config, tmp_path)
    config = tmp_path / config.name
    killed = collections.Counter[str]()
    lives = 20
    for n in range(lives):
        grow(trainticket / "hosts", tmp_path / "hosts", (n + 1) / lives)
        process = subprocess.Popen(
            [*CLEW, "up", "--once", "--config", config, "--data", data],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with process:
            while not children(process.pid) and process.poll() is None:
                time.sleep(0.002)
            time.sleep(rng.random() * LIFE_S)
            agents = children(process.pid)
            target = ("server", "agent", "both")[n % 3]
            if target in {"agent", "both"}:
                for agent in agents:
                    with suppress(ProcessLookupError):  # it was through
                        os.kill(agent, signal.SIGKILL)
                        killed["agent"] += 1
            if target in {"server", "both"} and process.poll() is None:
                process.kill()
                killed["server"] += 1
            process.wait(timeout=120)
    # Of thirteen each; an agent that has sent its twentieth may be through before it is killed.
    assert killed["agent"] >= 5
    assert killed["server"] >= 10

    account = up_once(config, data)
    assert account["lines_stored"] == LINES
    assert account["clean"]
    assert clew("audit", "--data", data).returncode == 0
    found = clew("search", "*", "--data", data, "--json", "--limit", "1")
    assert found.returncode == 0
