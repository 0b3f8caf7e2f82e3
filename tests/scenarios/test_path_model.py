"""A model of paths from outside: learned when everything is stored, shown, used, learned anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

CLEW = [sys.executable, "-m", "clew_agent"]
SCRIPT = [
    ("shop", "request started"), ("prices", "price asked"), ("prices", "price told"), ("stock", "stock asked"),
    ("stock", "stock told"), ("prices", "price asked"), ("prices", "price told"), ("shop", "request answered"),
]  # fmt: skip
HUB = {(None, "shop"), ("shop", "prices"), ("shop", "stock")}


def clew(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLEW, *arguments], capture_output=True, timeout=120, check=False, text=True)


def write_logs(folder: Path, transactions: int) -> None:
    """A hub that is silent between its calls: by nesting alone prices would have called stock."""
    for n in range(transactions):
        script = [*SCRIPT[:3], SCRIPT[7]] if n % 3 == 1 else [SCRIPT[0], *SCRIPT[3:5], SCRIPT[7]] if n % 3 else SCRIPT
        for at, (service, text) in enumerate(script):
            with (folder / f"{service}.log").open("a") as file:
                time = f"2026-01-02T03:{n // 60:02d}:{n % 60:02d}.{at * 20:03d}Z"
                file.write(f"{time} INFO trace_id={n + 1:032x} {text}\n")


def calls(data: Path) -> list[set[tuple[str | None, str]]]:
    found = clew("trace", "--all", "--json", "--data", data)
    assert found.returncode == 0, found.stderr
    transactions = [json.loads(line) for line in found.stdout.splitlines()]
    for transaction in transactions:
        assert [call["child"] for call in transaction["calls"]] == [one["id"] for one in transaction["invocations"]]
        assert all(0 < call["probability"] <= 1 for call in transaction["calls"])
    return [{(call["from"], call["to"]) for call in transaction["calls"]} for transaction in transactions]


def ingest(tmp_path: Path, transactions: int) -> Path:
    logs = tmp_path / "logs"
    logs.mkdir()
    write_logs(logs, transactions)
    data = tmp_path / "data"
    done = clew("up", "--once", "--watch", f"{logs}/*.log", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return data


def test_a_hub_is_found_in_logs_alone(tmp_path):
    data = ingest(tmp_path, 60)
    assert calls(data)[0] == HUB
    shown = clew("path", "model", "--data", data)
    assert shown.returncode == 0, shown.stderr
    assert "Learned from 60 transactions" in shown.stdout
    model = json.loads(clew("path", "model", "--json", "--data", data).stdout)
    assert {(call["from"], call["to"]) for call in model["calls"]} >= HUB
    again = clew("path", "learn", "--anew", "--data", data)
    assert again.returncode == 0, again.stderr
    assert "Learned from 60 transactions" in again.stdout
    assert calls(data)[0] == HUB


def test_too_little_is_no_model_and_says_so(tmp_path):
    data = ingest(tmp_path, 2)
    shown = clew("path", "model", "--data", data)
    assert shown.returncode == 1
    assert "no model of paths was learned yet" in shown.stderr
    learned = clew("path", "learn", "--data", data)
    assert learned.returncode == 1
    assert "fewer than 5 transactions" in learned.stderr
    assert len(calls(data)) == 2


def test_a_learner_ends_with_the_program_that_started_it(tmp_path):
    data = ingest(tmp_path, 60)
    (data / "path-model.msgpack").unlink()
    learner = [sys.executable, "-m", "clew_query.path.learned.apart", data, "0"]
    orphan = subprocess.run(learner, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    assert orphan.returncode == 1
    assert not (data / "path-model.msgpack").exists()
    with subprocess.Popen(learner, stdin=subprocess.PIPE) as kept:
        assert kept.wait(timeout=120) == 0
    assert (data / "path-model.msgpack").exists()
