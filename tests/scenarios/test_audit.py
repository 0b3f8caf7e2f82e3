"""`clew audit` finds damage that was really done, names what is missing, and exits 1."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from clew_agent.wire import decode_chunk

pytestmark = pytest.mark.timeout(180)


def clew(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clew_agent", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, text=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the lines of two files."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "whole.log").write_text("one\ntwo\n")
    (logs / "robbed.log").write_text("three\nfour\nfive\n")
    done = clew("up", "--once", "--watch", f"{logs}/*.log", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def missing(data: Path) -> dict[str, int]:
    """Return the bytes that an audit misses, by the file's name; it must have failed for them."""
    said = clew("audit", "--data", data)
    assert said.returncode == 1
    done = clew("audit", "--data", data, "--json")
    assert done.returncode == 1
    account = json.loads(done.stdout)
    assert account["clean"] is False
    found = {Path(file["path"]).name: file["missing"] for file in account["files"] if file["missing"]}
    for name in found:
        assert name in said.stdout
    return found


def test_it_is_clean_before(data: Path) -> None:
    assert clew("audit", "--data", data).returncode == 0


def test_a_store_that_is_gone(data: Path) -> None:
    shutil.rmtree(data / "store")
    assert missing(data) == {"whole.log": 8, "robbed.log": 16}
    assert clew("replay", "--data", data).returncode == 0
    assert clew("audit", "--data", data).returncode == 0


def test_lines_that_somebody_took_out_of_the_log(data: Path) -> None:
    (day,) = (data / "log").glob("*.sqlite")
    log = sqlite3.connect(day)
    for position, chunk in log.execute("SELECT position, data FROM chunks").fetchall():
        if decode_chunk(chunk).source.path.endswith("robbed.log"):
            log.execute("DELETE FROM chunks WHERE position = ?", (position,))
    log.commit()
    log.close()
    assert clew("replay", "--data", data).returncode == 0
    assert missing(data) == {"robbed.log": 16}
