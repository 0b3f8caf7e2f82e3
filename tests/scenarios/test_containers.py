"""Logs of containers, in the places where runtimes put them, from the file to the search."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.scenarios.agent_program import AgentProgram
from tests.sink import Sink

pytestmark = pytest.mark.timeout(180)

ID = "4f" * 32
UID = "0b7c4f1e-6d5a-4b6f-9c8e-1f2a3b4c5d6e"


def pod_folder(root: Path, pod: str) -> Path:
    return root / "log" / "pods" / f"shop_{pod}_{UID}"


@pytest.mark.parametrize("watch", [True, False], ids=["inotify", "polling"])
def test_a_process_that_logs_one_line_and_is_gone_three_seconds_later(tmp_path: Path, sink: Sink, watch: bool) -> None:
    """The pod's directory comes and goes with it; ten of them, with the default pace of scanning."""
    (tmp_path / "log" / "pods").mkdir(parents=True)
    sources = [{"paths": [f"{tmp_path}/log/pods/*/*/*.log"]}]
    with AgentProgram(tmp_path, sink.url, sources=sources, watch=watch, scan_interval_s=2.0) as agent:
        agent.start()
        sink.wait_for(lambda sink: bool(sink.beats))
        gone: dict[Path, float] = {}
        for i in range(10):
            folder = pod_folder(tmp_path, f"job-{i}")
            (folder / "work").mkdir(parents=True)
            (folder / "work" / "0.log").write_text(f"2026-11-24T12:00:00.123456789Z stdout F only line of {i}\n")
            gone[folder] = time.monotonic() + 3
            time.sleep(0.2)
        for folder, due_s in gone.items():
            time.sleep(max(0.0, due_s - time.monotonic()))
            shutil.rmtree(folder)
        sink.wait_for(lambda sink: sink.lines().total() >= 10)
    writers = {(c.source.service, c.source.instance, c.source.resource["k8s.namespace.name"]) for c in sink.chunks}
    assert writers == {("work", f"job-{i}", "shop") for i in range(10)}
    assert sorted(line.split(b" F ")[1] for line in sink.lines().elements()) == [
        b"only line of %d" % i for i in range(10)
    ]


def test_they_are_found_by_pod_namespace_container_and_id(tmp_path: Path) -> None:
    folder = pod_folder(tmp_path, "web-1") / "nginx"
    folder.mkdir(parents=True)
    (folder / "0.log").write_text("2026-11-24T12:00:00.123456789Z stdout F of the pod\n")
    docker = tmp_path / "lib" / "containers" / ID
    docker.mkdir(parents=True)
    (docker / "config.v2.json").write_text('{"Name": "/cache"}')
    line = {"log": "of Docker\n", "stream": "stdout", "time": "2026-11-24T12:00:01.5Z"}
    (docker / f"{ID}-json.log").write_text(json.dumps(line, separators=(",", ":")) + "\nhalf a line")
    watched = ("--watch", f"{tmp_path}/log/pods/*/*/*.log", "--watch", f"{tmp_path}/lib/containers/*/*-json.log")
    ran = clew("up", "--once", *watched, "--data", str(tmp_path / "data"))
    assert ran.returncode == 0, ran.stderr
    for query, found in {
        "k8s.pod.name:web-1": ["of the pod"],
        "k8s.namespace.name:shop AND k8s.container.name:nginx": ["of the pod"],
        "service:nginx instance:web-1": ["of the pod"],
        f"container.id:{ID}": ["half a line", "of Docker"],
        "service:cache container.name:cache": ["half a line", "of Docker"],
        "log.record.unterminated:true": ["half a line"],
    }.items():
        done = clew("search", query, "--data", str(tmp_path / "data"), "--json")
        assert done.returncode == 0, done.stderr
        assert sorted(json.loads(event)["body"] for event in done.stdout.splitlines()) == found, query


def clew(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clew_agent", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, text=True)
