"""The agent from outside: a process, files, and a receiver on loopback."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scenarios.agent_program import AgentProgram
from tests.sink import Answer, Sink


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def agent(tmp_path: Path, logs: Path, sink: Sink) -> Iterator[AgentProgram]:
    with AgentProgram(tmp_path, sink.url) as program:
        yield program


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def has(*lines: str) -> object:
    expected = Counter(line.encode() for line in lines)
    return lambda sink: sink.lines() == expected


def numbered(name: str, first: int, last: int) -> list[str]:
    return [f"{name} {i}" for i in range(first, last)]


class TestFiles:
    def test_appended_lines_arrive_exactly_once(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", *numbered("a", 0, 1000))
        agent.start()
        sink.wait_for(has(*numbered("a", 0, 1000)))
        for i in range(1000, 1050):
            append(logs / "a.log", f"a {i}")
        sink.wait_for(has(*numbered("a", 0, 1050)))
        assert len(sink.events()) == 1050
        assert [int(line.split()[1]) for _, line in sink.events()] == list(range(1050))

    def test_rename_rotation_with_the_writer_on_the_old_descriptor(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        path = logs / "a.log"
        append(path, "0 before")
        agent.start()
        sink.wait_for(has("0 before"))
        expected = ["0 before"]
        for i in range(1, 6):
            with path.open("a") as old:
                path.rename(logs / f"a.log.{i}")
                append(path, f"{i} new")
                old.write(f"{i} late\n")
            expected += [f"{i} new", f"{i} late"]
            sink.wait_for(has(*expected))
        assert len(sink.events()) == len(expected)

    def test_what_was_written_and_rotated_while_no_agent_ran(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        agent.start()
        sink.wait_for(has("1"))
        assert agent.terminate() == 0
        append(logs / "a.log", "2")
        (logs / "a.log").rename(logs / "a.log.1")
        append(logs / "a.log", "3")
        agent.start()
        sink.wait_for(has("1", "2", "3"))
        assert len(sink.events()) == 3

    def test_two_globs_and_links_to_one_file_are_one_file(self, tmp_path: Path, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1", "2")
        os.link(logs / "a.log", logs / "hard.log")
        (logs / "soft.log").symlink_to("a.log")
        sources = [{"paths": [f"{logs}/*.log", f"{logs}/a*"]}, {"paths": [f"{logs}/**/*.log"]}]
        with AgentProgram(tmp_path, sink.url, sources=sources) as agent:
            assert agent.call("run", "--once").returncode == 0
        assert Counter(line for _, line in sink.events()) == Counter([b"1", b"2"])

    def test_a_line_of_100_mb_is_cut_counted_and_the_next_is_whole(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        with (logs / "a.log").open("wb") as file:
            file.write(b"before\n")
            for _ in range(100):
                file.write(b"x" * 1_000_000)
        append(logs / "a.log", " end of the long line", "after")
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
        assert [len(line) for _, line in sink.events()] == [6, (1 << 20) - 1, 5]
        size = (logs / "a.log").stat().st_size
        assert sum(line.length for chunk in sink.chunks for line in chunk.lines()) == size
        assert sink.beats[-1].files[0].acknowledged == size
        assert "cut" in done.stderr

    def test_any_bytes_pass_untouched(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        content = [b"\xff\xfe invalid", b"nul \0\0 nul", b"", bytes(range(11, 256)), b"crlf"]
        (logs / "a.log").write_bytes(b"\n".join(content) + b"\r\nlast without end")
        (logs / "empty.log").touch()
        assert agent.call("run", "--once").returncode == 0
        assert [line for _, line in sink.events()] == [*content, b"last without end"]


class TestServiceManager:
    @pytest.mark.parametrize("abstract", [False, True])
    def test_who_is_said_to_be_ready_can_be_told_to_reload(
        self, agent: AgentProgram, sink: Sink, logs: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
    ) -> None:
        name = f"{'@' if abstract else ''}{logs}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name.replace("@", "\0"))
            manager.settimeout(60)
            monkeypatch.setenv("NOTIFY_SOCKET", name)
            process = agent.start()
            assert manager.recv(64) == b"READY=1"
        process.send_signal(signal.SIGHUP)
        append(logs / "a.log", *numbered("a", 0, 5))
        sink.wait_for(has(*numbered("a", 0, 5)))
        assert process.poll() is None

    def test_a_manager_that_is_gone_keeps_nobody_from_working(
        self, agent: AgentProgram, sink: Sink, logs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NOTIFY_SOCKET", f"{logs}/nobody")
        append(logs / "a.log", *numbered("a", 0, 5))
        agent.start()
        sink.wait_for(has(*numbered("a", 0, 5)))
        assert "service manager" in agent.errors.read_text()


class TestEnding:
    def test_sigterm_flushes_and_the_next_run_goes_on_without_a_double(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        for turn in range(3):
            append(logs / "a.log", *numbered("a", turn * 5000, turn * 5000 + 5000))
            process = agent.start()
            sink.wait_for(lambda sink, turn=turn: len(sink.events()) > turn * 5000)
            assert agent.terminate() == 0
            assert process.returncode == 0
            assert sink.beats[-1].files[0].acknowledged == sink.beats[-1].files[0].shipped
        agent.start()
        sink.wait_for(has(*numbered("a", 0, 15_000)))
        assert len(sink.events()) == 15_000

    @pytest.mark.parametrize("seed", range(2))
    def test_kill_at_any_moment_loses_nothing_and_doubles_only_under_the_same_id(
        self, tmp_path: Path, sink: Sink, logs: Path, seed: int
    ) -> None:
        # What is written and rotated away while no agent runs can only be seen if the glob has the rotated files too.
        agent = AgentProgram(tmp_path, sink.url, sources=[{"paths": [f"{logs}/*.log*"]}])
        rng = random.Random(seed)
        expected: list[str] = []
        writing = threading.Event()

        def write() -> None:
            for i in range(400):
                name = f"{i % 3}.log"
                batch = numbered(f"{name} {i}", 0, 30)
                expected.extend(batch)
                append(logs / name, *batch)
                if i % 50 == 49:
                    (logs / name).rename(logs / f"{name}.{i}")
                writing.wait(0.005)

        writer = threading.Thread(target=write)
        writer.start()
        kills = 0
        with agent:
            while writer.is_alive() or kills < 5:
                agent.start()
                requests = sink.requests
                sink.wait_for(lambda sink, requests=requests: sink.requests > requests or not writer.is_alive())
                writing.wait(rng.random() * 0.1)
                agent.kill()
                kills += 1
            writer.join()
            agent.start()
            sink.wait_for(has(*expected))
        lines_of: dict[str, set[bytes]] = {}
        for event, line in sink.events():
            lines_of.setdefault(event, set()).add(line)
        assert all(len(lines) == 1 for lines in lines_of.values())
        assert len(lines_of) == len(expected)

    def test_it_ends_with_its_parent(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        ours, theirs = os.pipe()
        process = agent.start("--parent-fd", str(ours), pass_fds=(ours,))
        os.close(ours)
        sink.wait_for(has("1"))
        os.close(theirs)
        assert process.wait(30) == 0

    def test_a_second_agent_in_the_directory_is_told_so(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        agent.start()
        sink.wait_for(has("1"))
        second = agent.call("run", "--once")
        assert second.returncode == 1
        assert "another agent works in" in second.stderr
        assert "hint:" in second.stderr


class TestReceiver:
    def test_down_at_first_then_up(self, tmp_path: Path, logs: Path) -> None:
        with Sink() as reserved:
            port = reserved.port
        append(logs / "a.log", *numbered("a", 0, 100))
        with AgentProgram(tmp_path, f"http://127.0.0.1:{port}") as agent:
            agent.start()
            wait_for_status(agent, lambda status: "send" in status["heartbeat"]["errors"])
            with Sink(port=port) as sink:
                sink.wait_for(has(*numbered("a", 0, 100)))
                sink.wait_for(lambda sink: bool(sink.beats) and not sink.beats[-1].errors)
            wait_for_status(agent, lambda status: "heartbeat" in status["heartbeat"]["errors"])
            append(logs / "a.log", *numbered("a", 100, 200))
            with Sink(port=port) as again:
                again.wait_for(has(*numbered("a", 100, 200)))
                assert agent.terminate() == 0

    def test_answers_that_get_lost_make_doubles_under_the_same_id(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        append(logs / "a.log", *numbered("a", 0, 100))
        sink.answers.extend([Answer(503, keeps=True)] * 3)
        assert agent.call("run", "--once").returncode == 0
        assert sink.lines() == Counter(line.encode() for line in numbered("a", 0, 100))
        assert len(sink.events()) == 400
        assert len(dict(sink.events())) == 100

    def test_stopping_while_it_is_down_does_not_take_for_ever_and_loses_nothing(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        sink.always = Answer(503)
        append(logs / "a.log", "1", "2")
        with AgentProgram(tmp_path, sink.url, shutdown_flush_s=0.2) as agent:
            agent.start()
            sink.wait_for(lambda sink: sink.requests > 0)
            assert agent.terminate() == 0
            sink.always = None
            agent.start()
            sink.wait_for(has("1", "2"))


class TestCheckpoint:
    @pytest.mark.parametrize("damage", ["half", "zeros", "empty", "both"])
    def test_a_damaged_one_sends_again_under_the_same_ids_and_loses_nothing(
        self, agent: AgentProgram, sink: Sink, logs: Path, damage: str
    ) -> None:
        append(logs / "a.log", *numbered("a", 0, 50))
        assert agent.call("run", "--once").returncode == 0
        path = agent.data / "checkpoint"
        whole = path.read_bytes()
        broken = {"half": whole[: len(whole) // 2], "zeros": bytes(len(whole))}.get(damage, b"")
        path.write_bytes(broken)
        if damage == "both":
            (agent.data / "checkpoint.previous").write_bytes(broken)
        append(logs / "a.log", "a 50")
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
        assert "damaged" in done.stderr
        assert sink.lines() == Counter(line.encode() for line in numbered("a", 0, 51))
        assert len(dict(sink.events())) == 51


class TestTrouble:
    @pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything")
    def test_an_unreadable_file_is_named_and_delivered_once_readable(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        secret = logs / "secret.log"
        append(secret, "secret")
        append(logs / "a.log", "public")
        secret.chmod(0o000)
        # Root without its power to read what it may not is like everybody else.
        powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        with AgentProgram(tmp_path, sink.url, prefix=powerless) as agent:
            once = agent.call("run", "--once")
            assert once.returncode == 1
            assert f"{secret}: cannot be read: Permission denied" in once.stderr
            assert sink.lines() == Counter([b"public"])
            check = agent.call("check")
            assert check.returncode == 1
            assert f"problem: {secret}" in check.stderr
            agent.start()
            sink.wait_for(lambda sink: sink.beats[-1].errors.get(str(secret), "").startswith("cannot be read"))
            secret.chmod(0o644)
            sink.wait_for(has("public", "secret"))
            sink.wait_for(lambda sink: not sink.beats[-1].errors)

    def test_a_glob_that_matches_nothing_is_an_error_only_with_once(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        with AgentProgram(tmp_path, sink.url) as agent:
            once = agent.call("run", "--once")
            assert once.returncode == 1
            assert f"{logs}/*.log: matches no file" in once.stderr
            agent.start()
            sink.wait_for(lambda sink: bool(sink.beats) and f"{logs}/*.log" in sink.beats[-1].errors)
            append(logs / "a.log", "1")
            sink.wait_for(has("1"))
            sink.wait_for(lambda sink: not sink.beats[-1].errors)
            assert agent.terminate() == 0

    def test_refused_lines_are_given_up_and_make_once_fail(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "bad.log", "bad")
        append(logs / "good.log", "good")
        sink.refuses = lambda chunk: chunk.source.service == "bad"
        done = agent.call("run", "--once")
        assert done.returncode == 1
        assert f"{logs}/bad.log: 4 bytes were given up: refused" in done.stderr
        assert sink.lines() == Counter([b"good"])

    def test_every_mistake_in_the_configuration_is_named(self, agent: AgentProgram) -> None:
        agent.config.write_text("sources: [{paths: [relative]}]\nserver: ftp://x\n")
        for command in ("run", "check", "status"):
            done = agent.call(command)
            assert done.returncode == 1
            assert "sources.0.paths: " in done.stderr
            assert "server: " in done.stderr


class TestSeenFromOutside:
    def test_status_tells_how_far_it_is(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        never = agent.call("status")
        assert (never.returncode, never.stdout) == (0, f"no agent has run in {agent.data}\n")
        append(logs / "a.log", "1", "2")
        process = agent.start()
        status = wait_for_status(agent, lambda status: status["heartbeat"]["files"] != [])
        found = json.loads(agent.call("status", "--json").stdout)
        assert (found["running"], found["pid"]) == (True, process.pid)
        assert status["server"] == sink.url
        sink.wait_for(lambda sink: bool(sink.beats) and sink.beats[-1].files[0].acknowledged == 4)
        assert agent.terminate() == 0
        found = json.loads(agent.call("status", "--json").stdout)
        (file,) = found["status"]["heartbeat"]["files"]
        assert found["running"] is False
        assert (file["seen"], file["shipped"], file["acknowledged"], file["lines"]) == (4, 4, 4, 2)
        assert f"{logs}/a.log" in agent.call("status").stdout

    def test_check_tells_what_the_configuration_means(self, agent: AgentProgram, logs: Path, tmp_path: Path) -> None:
        empty = agent.call("check")
        assert empty.returncode == 0
        assert f"warning: {logs}/*.log: matches no file" in empty.stderr
        append(logs / "orders.log", "1")
        report = json.loads(agent.call("check", "--json").stdout)
        (file,) = report["sources"][0]["files"]
        assert (file["path"], file["bytes"], file["service"]) == (f"{logs}/orders.log", 2, "orders")
        assert (report["warnings"], report["problems"]) == ([], [])
        assert "service orders" in agent.call("check").stdout
        assert not agent.data.exists()

    def test_status_names_the_file_that_is_behind_the_stage_that_is_saturated_and_what_was_given_up(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        with Sink() as reserved:
            listen = f"127.0.0.1:{reserved.port}"
        with AgentProgram(tmp_path, sink.url, metrics_listen=listen) as agent:
            append(logs / "bad.log", "bad")
            sink.refuses = lambda chunk: chunk.source.service == "bad"
            agent.start()
            wait_for_status(agent, lambda status: any(file["given_up"] for file in status["heartbeat"]["files"]))
            sink.always = Answer(503)
            append(logs / "big.log", *(["x" * 1000] * 3000))
            wait_for_status(agent, lambda status: status["load"].get("receiver", 0) > 0.9)
            said = agent.call("status").stdout
            assert f"behind: {logs}/big.log (service big) by 3003000 bytes" in said
            assert "saturated: the receiver does not keep up" in said
            assert f"given up: {logs}/bad.log: 4 bytes: refused" in said
            with urllib.request.urlopen(f"http://{listen}/healthz", timeout=10) as answer:
                health = json.loads(answer.read())
            assert (health["status"], health["lag_bytes"]) == ("degraded", 3_003_000)
            assert "send" in health["errors"]
            sink.always = None
            wait_for_status(agent, lambda status: not status["heartbeat"]["errors"])
            with urllib.request.urlopen(f"http://{listen}/healthz", timeout=10) as answer:
                assert json.loads(answer.read())["status"] == "ok"

    def test_a_configuration_read_again_must_hold(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        process = agent.start()
        sink.wait_for(has("1"))
        good = agent.config.read_text()
        agent.config.write_text("sources: []")
        process.send_signal(signal.SIGHUP)
        append(logs / "a.log", "2")
        sink.wait_for(has("1", "2"))
        with Sink() as other:
            agent.config.write_text(good.replace(sink.url, other.url))
            process.send_signal(signal.SIGHUP)
            wait_for_status(agent, lambda status: status["server"] == other.url)
            append(logs / "a.log", "3")
            other.wait_for(has("3"))
        assert "The configuration does not hold" in agent.errors.read_text()

    def test_metrics_are_served_where_asked(self, tmp_path: Path, sink: Sink, logs: Path) -> None:
        with Sink() as reserved:
            listen = f"127.0.0.1:{reserved.port}"
        append(logs / "a.log", "1", "2")
        with AgentProgram(tmp_path, sink.url, metrics_listen=listen) as agent:
            agent.start()
            sink.wait_for(lambda sink: bool(sink.beats) and bool(sink.beats[-1].files))
            with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            assert "clew_agent_lines_total 2.0" in text or "clew_agent_lines_total{" in text
            assert agent.terminate() == 0


def wait_for_status(agent: AgentProgram, true: object) -> dict[str, object]:
    """Read status.json as it is replaced, until it says so."""
    deadline = time.monotonic() + 30
    pause = threading.Event()
    while time.monotonic() < deadline:
        path = agent.data / "status.json"
        status = json.loads(path.read_text()) if path.exists() else None
        if status and true(status):  # type: ignore[operator]
            return status  # type: ignore[no-any-return]
        pause.wait(0.02)
    raise AssertionError(f"not within 30 s: {agent.errors.read_text()[-2000:]}")
