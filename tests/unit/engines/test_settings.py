"""What the engines are told: poms and properties."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from deploy.engines import EngineError
from deploy.engines.artifacts import KAFKA_ARTIFACTS, pom
from deploy.engines.kafka import KafkaNode, properties
from deploy.engines.places import PORTS, cache, free_ports
from deploy.engines.process import Process

NODES = [KafkaNode(number, 20_000 + number, 21_000 + number) for number in (1, 2, 3)]


def parsed(nodes: list[KafkaNode], **extra: str) -> dict[str, str]:
    text = properties(nodes[0], nodes, Path("/logs"), extra)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_a_pom_names_each_artefact() -> None:
    root = ET.fromstring(pom(KAFKA_ARTIFACTS))
    space = "{http://maven.apache.org/POM/4.0.0}"
    found = [":".join(part.text or "" for part in one) for one in root.iter(f"{space}dependency")]
    assert found == list(KAFKA_ARTIFACTS)


def test_one_node_needs_no_other() -> None:
    settings = parsed(NODES[:1])
    assert settings["min.insync.replicas"] == settings["default.replication.factor"] == "1"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:21001"


def test_three_nodes_keep_what_two_have() -> None:
    settings = parsed(NODES)
    assert (settings["default.replication.factor"], settings["min.insync.replicas"]) == ("3", "2")
    assert settings["controller.quorum.voters"].count("@") == 3
    assert settings["unclean.leader.election.enable"] == "false"


def test_properties_of_the_caller_win() -> None:
    assert parsed(NODES, **{"message.max.bytes": "1000", "log.dirs": "/x"})["log.dirs"] == "/x"


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEW_ENGINES_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache() == Path("/x/clew/engines")
    monkeypatch.setenv("CLEW_ENGINES_CACHE", "/y")
    assert cache() == Path("/y")


def test_free_ports_differ_and_are_no_outgoing_ones() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(port in PORTS for port in ports)


class TestProcess:
    def test_it_is_known_by_pid_and_start_time_and_stops(self, tmp_path: Path) -> None:
        process = Process.start(["sleep", "60"], folder=tmp_path, output=tmp_path / "out")
        assert process.alive
        assert not Process(process.pid, process.started + 1).alive
        process.stop()
        assert not process.alive
        process.stop()

    def test_killing_it_kills_what_it_started(self, tmp_path: Path) -> None:
        script = "import os, time; print(os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '60'), flush=True); time.sleep(60)"
        output = tmp_path / "out"
        process = Process.start([sys.executable, "-c", script], folder=tmp_path, output=output)
        while not output.read_text().endswith("\n"):
            assert process.alive
        child = int(output.read_text())
        process.kill()
        stat = Path(f"/proc/{child}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    def test_one_that_does_not_listen_is_killed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("deploy.engines.process.STOP_WAIT_S", 0.2)
        script = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        )
        output = tmp_path / "out"
        process = Process.start([sys.executable, "-c", script], folder=tmp_path, output=output)
        while not output.read_text():
            assert process.alive
        process.stop(wait_s=0.2)
        assert not process.alive

    def test_a_signal_to_one_that_ended_is_none(self, tmp_path: Path) -> None:
        process = Process.start(["sleep", "60"], folder=tmp_path, output=tmp_path / "out")
        process.kill()
        process.signal(signal.SIGCONT)

    def test_one_that_cannot_start_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="could not be started"):
            Process.start([tmp_path / "nothing"], folder=tmp_path, output=tmp_path / "out")
