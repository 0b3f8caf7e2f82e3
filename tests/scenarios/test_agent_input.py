"""What files, disks and a silent receiver do to the agent, from outside."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from tests.conftest import skip_or_fail
from tests.scenarios.agent_program import AgentProgram
from tests.sink import Sink

from clew_agent.wire import Origin

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def fill(path: Path) -> None:
    """Write until that is an error."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_an_empty_file_is_no_problem_and_no_line(tmp_path: Path, sink: Sink, logs: Path) -> None:
    (logs / "empty.log").touch()
    with AgentProgram(tmp_path, sink.url) as agent:
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
        assert sink.chunks == []
        agent.start()
        (logs / "empty.log").write_text("no more\n")
        sink.wait_for(lambda sink: sink.lines() == Counter([b"no more"]))
        assert agent.terminate() == 0


def test_what_is_excluded_is_left_alone(tmp_path: Path, sink: Sink, logs: Path) -> None:
    for name in ("a.log", "a.log.gz", "debug.log"):
        (logs / name).write_text(f"{name}\n")
    sources = [{"paths": [f"{logs}/*"], "exclude": ["*.gz", f"{logs}/debug*"]}]
    with AgentProgram(tmp_path, sink.url, sources=sources) as agent:
        assert agent.call("run", "--once").returncode == 0
    assert sink.lines() == Counter([b"a.log"])


def test_binary_arrives_byte_for_byte(tmp_path: Path, sink: Sink, logs: Path) -> None:
    # NULs where a line begins would be a hole, as copying and truncating leaves it.
    content = bytes(range(1, 256)) * 500 + b"\0" * 5000 + b"\xff\xfe\xc3\x28\n"
    (logs / "core.log").write_bytes(content)
    with AgentProgram(tmp_path, sink.url) as agent:
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
    assert b"".join(chunk.payload for chunk in sink.chunks) == content


def test_dockers_lines_are_stamped_by_what_is_in_them(tmp_path: Path, sink: Sink, logs: Path) -> None:
    written = [f'{{"trace_id":"{TRACE}","msg":"x"}}\n', f"INFO trace_id={TRACE} y\n", "z\n"]
    lines = [{"log": log, "stream": "stdout", "time": "2026-11-24T12:00:00.000000000Z"} for log in written]
    (logs / "pod.log").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    with AgentProgram(tmp_path, sink.url) as agent:
        assert agent.call("run", "--once").returncode == 0
    stamped = [(line.origin, line.transaction_id) for chunk in sink.chunks for line in chunk.lines()]
    assert stamped[:2] == [(Origin.LINE, TRACE)] * 2
    assert stamped[2][0] == Origin.GENERATED


def test_on_a_full_disk_new_files_wait_it_is_said_and_it_goes_on(tmp_path: Path, sink: Sink, logs: Path) -> None:
    data = tmp_path / "agent"
    data.mkdir()
    # A file system of its own that only the agent has: small, and full when the test wants it.
    own = ["unshare", "--mount", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*own, "mount", "-t", "tmpfs", "x", data], check=False).returncode:
        skip_or_fail("this machine lets nobody mount a file system", required_by="CLEW_REQUIRE_MOUNT")
    mounted = [*own, "sh", "-c", 'mount -t tmpfs -o size=512k clew "$0" && exec "$@"', str(data)]
    (logs / "a.log").write_text("a\n")
    with AgentProgram(tmp_path, sink.url, prefix=mounted) as agent:
        process = agent.start()
        sink.wait_for(lambda sink: sink.lines() == Counter([b"a"]))
        filler = Path(f"/proc/{process.pid}/root{data}/filler")
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        # More of them than what is left of a block has room for.
        later = Counter(b"%d" % number for number in range(100))
        for number in range(100):
            (logs / f"{number}.log").write_text(f"{number}\n")
        sink.wait_for(lambda sink: "No space left on device" in sink.beats[-1].errors.get("checkpoint", ""))
        assert sink.lines() < Counter([b"a"]) + later
        filler.unlink()
        sink.wait_for(lambda sink: sink.lines() == Counter([b"a"]) + later)
        sink.wait_for(lambda sink: not sink.beats[-1].errors)
        assert agent.terminate() == 0


def test_a_receiver_that_never_answers_does_not_keep_the_agent_from_stopping(tmp_path: Path, logs: Path) -> None:
    (logs / "a.log").write_text("a\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        # Longer than this test waits for the end.
        with AgentProgram(tmp_path, url, send_timeout_s=300, shutdown_flush_s=0.2) as agent:
            agent.start()
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(4).startswith(b"POST")
                assert agent.terminate() == 0
    with Sink() as sink, AgentProgram(tmp_path, sink.url) as agent:
        assert agent.call("run", "--once").returncode == 0
        assert sink.lines() == Counter([b"a"])
