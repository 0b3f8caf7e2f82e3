"""What an agent tells of itself: to people, to a service manager, to who asks for metrics."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from pathlib import Path

import pytest
from tests.scenarios.agent_program import AgentProgram
from tests.scenarios.agent_steps import append, has, numbered, wait_for_status
from tests.sink import Answer, Sink


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
