"""Two thousand real lines each of eight systems: every line stored, with its own time and severity where it has one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.data, pytest.mark.timeout(300)]

CLEW = [sys.executable, "-m", "clew_agent"]
# Systems whose layout has a severity word, and the years of their lines (a year of 0: the format has none).
SYSTEMS = {
    "Apache": (True, {2005}),
    "HDFS": (True, {2008}),
    "Hadoop": (True, {2015}),
    "Linux": (False, {0}),
    "OpenSSH": (False, {0}),
    "Spark": (True, {2017}),
    "Windows": (True, {2016}),
    "Zookeeper": (True, {2015}),
}


def count_lines(file: Path) -> int:
    content = file.read_bytes()
    return content.count(b"\n") + (not content.endswith(b"\n"))


def test_every_line_is_stored_with_its_time_and_severity(loghub: Path, tmp_path: Path) -> None:
    command = [*CLEW, "up", "--once", "--watch", f"{loghub}/*_2k.log", "--data", tmp_path / "data", "--json"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    files = sorted(loghub.glob("*_2k.log"))
    lines = sum(count_lines(file) for file in files)
    assert json.loads(done.stdout)["lines_stored"] == lines
    for file in files:
        system = file.name.removesuffix("_2k.log")
        severe, years = SYSTEMS[system]
        found = subprocess.run(
            [*CLEW, "search", f'source:"{file}"', "--data", tmp_path / "data", "--json", "--limit", "10000"],
            capture_output=True,
            check=True,
            timeout=120,
        )
        events = [json.loads(row) for row in found.stdout.splitlines()]
        assert len(events) == count_lines(file)
        timed = [event for event in events if event.get("timestamp")]
        assert len(timed) == len(events), f"{system}: {len(events) - len(timed)} lines without a time"
        if 0 not in years:
            assert {int(event["timestamp"][:4]) for event in timed} == years
        with_severity = sum(1 for event in events if event["severity_number"])
        if severe:
            assert with_severity == len(events), system
