"""`clew up` from outside: what a newcomer feeds it, and what it says when it cannot."""

from __future__ import annotations

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.timeout(180)

CLEW = [sys.executable, "-m", "clew_agent"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def clew(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLEW, *arguments], capture_output=True, timeout=120, check=False, text=True)


def up_once(logs: Path, data: Path) -> dict[str, object]:
    done = clew("up", "--once", "--watch", f"{logs}/*.log", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def events(data: Path, query: str = "*") -> list[dict[str, object]]:
    found = clew("search", query, "--data", data, "--json", "--limit", "1000", "--order", "asc")
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


@contextmanager
def running(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `clew up` on a free port until the block ends; yields the process and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [*CLEW, "up", "--listen", listen, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            wait_until(lambda: answers(f"http://{listen}/readyz") or process.poll() is not None)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            yield process, f"http://{listen}"
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


class TestOnce:
    def test_a_line_is_found_by_any_of_its_ids(self, logs: Path, tmp_path: Path) -> None:
        (logs / "shop.log").write_text(
            f'{{"level":"error","trace_id":"{TRACE}","request_id":"checkout-7f3a","msg":"card declined"}}\n'
            'level=info request_id=checkout-7f3a msg="asked for a card"\n'
        )
        account = up_once(logs, tmp_path / "data")
        assert (account["lines_read"], account["lines_stored"], account["clean"]) == (2, 2, True)
        for name in (TRACE, TRACE.upper(), "checkout-7f3a"):
            traced = clew("trace", name, "--data", tmp_path / "data", "--json")
            assert traced.returncode == 0, traced.stderr
            assert json.loads(traced.stdout)["total"] == 2, name

    def test_a_glob_that_matches_nothing_is_an_error(self, logs: Path, tmp_path: Path) -> None:
        done = clew("up", "--once", "--watch", f"{logs}/*.log", "--data", tmp_path / "data", "--json")
        assert done.returncode == 1
        assert "*.log" in done.stderr

    def test_nothing_to_watch_is_an_error(self, tmp_path: Path) -> None:
        done = clew("up", "--once", "--data", tmp_path / "data")
        assert done.returncode == 1
        assert "hint" in done.stderr

    def test_every_mistake_in_the_configuration_is_named_at_once(self, tmp_path: Path) -> None:
        config = tmp_path / "clew.yaml"
        config.write_text("sources: [{paths: []}]\nlissten: 127.0.0.1:1\nshutdown_s: -1\n")
        done = clew("up", "--config", config, "--data", tmp_path / "data")
        assert done.returncode == 1
        for word in ("sources.0.paths", "lissten", "listen", "shutdown_s"):
            assert word in done.stderr

    def test_hostile_lines_are_all_kept_as_they_were(self, logs: Path, tmp_path: Path) -> None:
        lines = [
            b"\xff\xfe invalid utf-8 \x80",
            b"a\x00b\x00\x00",
            b"",
            bytes(range(1, 10)) + bytes(range(11, 256)),
            b'{"timestamp":"1970-01-01T00:00:00Z","msg":"long ago"}',
            b'{"timestamp":"2100-01-01T00:00:00Z","msg":"far away"}',
            b'{"msg": "cut off',
            b"[" * 5000,
            b'{"n": 1e999, "big": 123456789012345678901234567890, "nan": NaN}',
            b"no newline at the end",
        ]
        (logs / "hostile.log").write_bytes(b"\n".join(lines))
        (logs / "empty.log").write_bytes(b"")
        account = up_once(logs, tmp_path / "data")
        assert account["lines_stored"] == len(lines)
        stored = sorted(events(tmp_path / "data"), key=lambda event: int(str(event["offset"])))
        assert [original_of(event) for event in stored] == lines
        assert {str(e["timestamp"])[:4] for e in stored if e.get("timestamp")} == {"1970", "2100"}

    def test_a_hundred_megabyte_line_is_cut_kept_and_counted_and_the_next_is_whole(
        self, logs: Path, tmp_path: Path
    ) -> None:
        (logs / "long.log").write_bytes(b"head of the long line " + b"x" * 100_000_000 + b"\nnext line\n")
        account = up_once(logs, tmp_path / "data")
        assert account["lines_stored"] == 2
        assert account["bytes_stored"] == (logs / "long.log").stat().st_size
        cut, after = sorted(events(tmp_path / "data"), key=lambda event: int(str(event["offset"])))
        assert str(cut["original"]).startswith("head of the long line xxx")
        attributes = cut["attributes"]
        assert isinstance(attributes, dict)
        assert len(str(cut["original"])) + int(attributes["clew.cut_bytes"]) == 100_000_022
        assert after["original"] == "next line"

    def test_an_unknown_id_and_a_bad_query_exit_1_and_say_why(self, logs: Path, tmp_path: Path) -> None:
        (logs / "a.log").write_text("hello\n")
        up_once(logs, tmp_path / "data")
        unknown = clew("trace", TRACE, "--data", tmp_path / "data")
        assert unknown.returncode == 1
        assert TRACE in unknown.stderr
        bad = clew("search", "service:(a OR", "--data", tmp_path / "data")
        assert bad.returncode == 1
        assert "^" in bad.stderr


def original_of(event: dict[str, object]) -> bytes:
    """Return the line's bytes: what is no UTF-8 stands in base64 beside its text."""
    if "original_base64" in event:
        return base64.b64decode(str(event["original_base64"]))
    return str(event.get("original", "")).encode()


class TestDataDirectory:
    def test_a_second_process_is_refused(self, tmp_path: Path) -> None:
        with running("--data", tmp_path / "data") as (process, _):
            second = clew("up", "--data", tmp_path / "data", "--listen", "127.0.0.1:0")
            assert second.returncode == 1
            assert str(process.pid) in second.stderr
            assert "hint" in second.stderr

    def test_one_of_a_newer_version_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "VERSION").write_text('{"format": 999}')
        done = clew("up", "--data", data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert "hint" in done.stderr
        assert (data / "VERSION").read_text() == '{"format": 999}'

    def test_a_damaged_log_is_named_and_never_wiped(self, logs: Path, tmp_path: Path) -> None:
        (logs / "a.log").write_text("hello\n")
        up_once(logs, tmp_path / "data")
        day = next((tmp_path / "data" / "log").glob("*.sqlite"))
        day.write_bytes(b"\0" * 4096 + b"garbage" * 1000)
        before = day.read_bytes()
        done = clew("up", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--once", "--watch", f"{logs}/*.log")
        assert done.returncode == 1
        assert day.name in done.stderr
        assert day.read_bytes() == before


class TestServing:
    def test_a_port_in_use_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            done = clew("up", "--data", tmp_path / "data", "--listen", listen)
        assert done.returncode == 1
        assert listen in done.stderr
        assert "hint" in done.stderr

    def test_a_line_appended_while_it_runs_is_found_and_the_agent_comes_back_when_killed(
        self, logs: Path, tmp_path: Path
    ) -> None:
        file = logs / "live.log"
        file.write_text("begin\n")
        with running("--data", tmp_path / "data", "--watch", f"{logs}/*.log") as (process, url):

            def found(word: str) -> bool:
                return bool(httpx.get(f"{url}/api/v1/events", params={"query": word}).json()["total"])

            wait_until(lambda: found("begin"))
            (agent,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            subprocess.run(["kill", "-9", agent], check=True)
            with file.open("a") as log:
                log.write("afterwards\n")
            wait_until(lambda: found("afterwards"))
            assert httpx.get(f"{url}/api/v1/events").json()["total"] == 2

    def test_killed_it_takes_its_agent_along_and_the_next_one_goes_on(self, logs: Path, tmp_path: Path) -> None:
        (logs / "a.log").write_text("one\n")
        with running("--data", tmp_path / "data", "--watch", f"{logs}/*.log") as (process, url):
            wait_until(lambda: httpx.get(f"{url}/api/v1/events").json()["total"] == 1)
            (agent,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.kill()
            wait_until(lambda: not Path(f"/proc/{agent}").exists())
        with (logs / "a.log").open("a") as log:
            log.write("two\n")
        assert up_once(logs, tmp_path / "data")["lines_stored"] == 2
