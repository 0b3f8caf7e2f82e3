"""What `/metrics` of each running program names is what the reference promises."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from clew_agent.metrics import COUNTERS, GAUGES, HISTOGRAMS, PROGRAMS
from clew_query.reference import exposed_name

pytestmark = pytest.mark.timeout(180)

CLEW = [sys.executable, "-m", "clew_agent"]
CALLED = re.compile(r"# TYPE (clew_\w+) ")


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def running(*arguments: str | Path) -> Iterator[None]:
    process = subprocess.Popen([*CLEW, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        assert process.poll() is None, f"it ended with {process.returncode}"
    finally:
        process.terminate()
        process.wait(30)


def write(path: Path, settings: dict[str, object]) -> Path:
    path.write_text(json.dumps(settings))
    return path


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def get(url: str, **parameters: str) -> httpx.Response | None:
    try:
        return httpx.get(url, params=parameters, timeout=5)
    except httpx.HTTPError:
        return None


def named_at(listen: str) -> set[str]:
    answer = get(f"http://{listen}/metrics")
    return set(CALLED.findall(answer.text)) if answer is not None else set()


def promised(program: str) -> set[str]:
    """Return the names that a program has, under which the exporter shows them."""
    kinds = ((COUNTERS, True), (GAUGES, False), (HISTOGRAMS, False))
    return {
        exposed_name(name, instrument.unit, counter=counter)
        for instruments, counter in kinds
        for name, instrument in instruments.items()
        if name.split("_")[1] in PROGRAMS[program]
    }


def line_is_found(listen: str) -> bool:
    answer = get(f"http://{listen}/api/v1/events", query="hello")
    return answer is not None and answer.status_code == 200 and answer.json()["total"] == 1


def test_up_and_its_agent(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("hello\n")
    listen, agent = free_address(), free_address()
    settings = {"sources": [{"paths": ["a.log"]}], "agent": {"metrics_listen": agent}, "listen": listen}
    config = write(tmp_path / "up.yaml", settings)
    with running("up", "--config", config, "--data", tmp_path / "data"):
        wait_until(lambda: line_is_found(listen))
        assert named_at(listen) == promised("clew")
        assert named_at(agent) == promised("clew-agent")


def test_collector_agent_and_query_apart(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("hello\n")
    ingest, agent, search = free_address(), free_address(), free_address()
    data = str(tmp_path / "data")
    config = write(
        tmp_path / "agent.yaml",
        {
            "sources": [{"paths": [str(tmp_path / "a.log")]}],
            "server": f"http://{ingest}",
            "data": str(tmp_path / "agent"),
            "metrics_listen": agent,
        },
    )
    with running("collector", "run", "--data", data, "--listen", ingest):
        wait_until(lambda: bool(named_at(ingest)))
        with running("query", "run", "--data", data, "--listen", search), running("agent", "run", "--config", config):
            wait_until(lambda: line_is_found(search))
            wait_until(lambda: named_at(ingest) == promised("clew-collector"))
            wait_until(lambda: named_at(agent) == promised("clew-agent"))
            assert named_at(search) == promised("clew-query")
