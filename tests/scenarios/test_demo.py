"""The demo from outside: it shows what it promises, and leaves no process and no file behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clew_query.demo.cast import CAST
from clew_query.demo.sink import WebhookSink
from clew_query.demo.stage import Stage, StageError

pytest.importorskip("huey", reason="the demo's services need huey: pip install 'clew[demo]'")

DEMO = [sys.executable, "-m", "clew_agent", "demo"]
WAIT_S = 90


class TestStage:
    def test_leaving_it_stops_every_process_by_its_pid(self, tmp_path: Path) -> None:
        with Stage() as stage:
            for name in ("a", "b"):
                stage.start(name, ["-c", "input()"], stdout=tmp_path / name, stderr=tmp_path / "stderr")
            pids = stage.pids

        assert len(pids) == 2
        assert not any(_runs(pid) for pid in pids)

    def test_a_process_that_ignores_the_signal_is_killed(self, tmp_path: Path) -> None:
        stubborn = "import signal, sys; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
        with Stage(stop_timeout_s=0.1) as stage:
            stage.start("deaf", ["-c", stubborn], stdout=tmp_path / "out", stderr=tmp_path / "err")
            [pid] = stage.pids
            while not (tmp_path / "out").read_bytes():
                stage.check()

        assert not _runs(pid)

    def test_a_process_that_ended_is_an_error_with_its_last_words(self, tmp_path: Path) -> None:
        with Stage() as stage:
            stage.start("gateway", ["-c", "raise SystemExit('no port')"], stdout=tmp_path / "o", stderr=tmp_path / "e")
            with pytest.raises(StageError, match=r"gateway ended with status 1:\nno port"):
                _check_until(stage, time.monotonic() + WAIT_S)


class TestSink:
    def test_what_arrives_twice_is_kept_once(self) -> None:
        with WebhookSink() as sink:
            for name in ("a", "b", "a"):
                assert httpx.post(sink.url, json={"notification_id": name}, trust_env=False).status_code == 200

        assert ([n["notification_id"] for n in sink.received], sink.repeats) == (["a", "b"], 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the demo that `shown` is of."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shown(kept: Path) -> str:
    """What a demo prints that nobody watches."""
    done = subprocess.run(
        [*DEMO, "--requests", "120", "--data", str(kept)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestDemo:
    def test_it_shows_the_account(self, shown: str, kept: Path) -> None:
        lines = sum(log.read_bytes().count(b"\n") for log in kept.glob("hosts/*/*.log"))

        assert f"{lines} lines written, {lines} lines stored: every line, once" in shown

    def test_it_shows_a_failed_requests_path_and_the_failing_line(self, shown: str) -> None:
        path = shown.split("One failed request, everywhere")[1].split("The alert", maxsplit=1)[0]

        assert all(service in path for service in ("gateway", "orders", "inventory", "payments"))
        assert "card issuer gw-3 gave no answer" in path or "given up after 2 attempts" in path

    def test_it_shows_the_alert(self, shown: str) -> None:
        assert "firing service-errors" in shown
        assert "of the lines of payments are errors" in shown

    def test_it_leaves_no_process(self, shown: str, kept: Path) -> None:
        assert shown
        assert _processes_naming(str(kept)) == []

    def test_as_json_it_says_the_same(self) -> None:
        done = subprocess.run(
            [*DEMO, "--requests", "60", "--json"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        result = json.loads(done.stdout)

        assert result["problems"] == []
        assert result["lines_written"] == result["lines_stored"] > 0
        assert {account["service"] for account in result["services"]} == {part.name for part in CAST}
        services = {invocation["id"]: invocation["service"] for invocation in result["transaction"]["invocations"]}
        called = {(services.get(call["parent"]), services[call["child"]]) for call in result["transaction"]["calls"]}
        assert {("gateway", "orders"), ("orders", "inventory"), ("orders", "payments")} <= called
        assert result["alert"]["service"] == "payments"
        assert not Path(result["directory"]).exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_told_to_stop_it_stops_everything(self, tmp_path: Path, number: int) -> None:
        demo = subprocess.Popen(
            [*DEMO, "--requests", "5000", "--data", str(tmp_path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + WAIT_S
        log = tmp_path / "hosts" / "depot-1" / "shipping.log"
        while not (log.exists() and log.stat().st_size) and time.monotonic() < deadline:
            assert demo.poll() is None, demo.communicate()
            time.sleep(0.05)
        demo.send_signal(number)
        _, words = demo.communicate(timeout=WAIT_S)

        assert demo.returncode == 130
        assert "everything that was started is stopped" in words
        assert _processes_naming(str(tmp_path)) == []


def _check_until(stage: Stage, deadline: float) -> None:
    while time.monotonic() < deadline:
        stage.check()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _processes_naming(text: str) -> list[str]:
    """Return the command lines, and what they were started with, of other processes that name the text."""
    return [found for found in _command_lines() if text in found]


def _command_lines() -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                yield (process / "cmdline").read_bytes().decode(errors="replace")
                yield (process / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile, or is another user's
