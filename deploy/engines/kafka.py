"""A Kafka of one node or several, in KRaft mode, each node broker and controller, on loopback."""

from __future__ import annotations

import asyncio
import base64
import secrets
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from .artifacts import resolve_kafka
from .errors import EngineError
from .places import free_ports, java_home, listens
from .process import Process, tail

__all__ = ["Kafka", "KafkaNode", "properties"]

READY_WAIT_S = 180.0
"""Long, as a machine may be busy; a process that ended is noticed at once."""
READY_POLL_S = 0.2
ASK_WAIT_S = 5.0
FORMAT_WAIT_S = 60.0

LOG4J = """\
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


@dataclass(frozen=True, slots=True)
class KafkaNode:
    """One node: its number from 1 on, its ports."""

    number: int
    port: int
    controller_port: int


def properties(node: KafkaNode, nodes: list[KafkaNode], logs: Path, extra: Mapping[str, str]) -> str:
    """Return a node's `server.properties`; with three nodes, two must have a record before it is acknowledged.

    In `extra`, `{port}` and `{controller_port}` stand for the node's own: whoever adds a listener must repeat these.
    """
    several = len(nodes) > 1
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(f"{one.number}@127.0.0.1:{one.controller_port}" for one in nodes),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.num.partitions": 1,
        "default.replication.factor": len(nodes),
        "offsets.topic.replication.factor": len(nodes),
        "transaction.state.log.replication.factor": len(nodes),
        "min.insync.replicas": len(nodes) - 1 if several else 1,
        "transaction.state.log.min.isr": len(nodes) - 1 if several else 1,
        "unclean.leader.election.enable": "false",
    }
    if several:
        # A dead broker is seen after 3 s, not 9.
        settings |= {
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 3000,
            "controller.quorum.fetch.timeout.ms": 1000,
            "controller.quorum.election.timeout.ms": 500,
            "replica.lag.time.max.ms": 3000,
        }
    ports = {"{port}": str(node.port), "{controller_port}": str(node.controller_port)}
    for key, value in extra.items():
        for name, port in ports.items():
            value = value.replace(name, port)  # noqa: PLW2901 - filled in step by step
        settings[key] = value
    return "".join(f"{key}={value}\n" for key, value in settings.items())


@dataclass(slots=True)
class Kafka:
    """A running cluster. Nodes can be killed, paused and started again; their ports stay."""

    folder: Path
    nodes: list[KafkaNode]
    processes: dict[int, Process] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        nodes: int = 1,
        extra: Mapping[str, str] | None = None,
        scram: Mapping[str, str] | None = None,
    ) -> Kafka:
        """Format and start a cluster in an empty folder; return once every node is in its metadata.

        `extra` are properties for every node, `scram` users with their passwords, who can log in by either SCRAM.
        """
        resolve_kafka()
        ports = free_ports(2 * nodes)
        cluster = cls(folder, [KafkaNode(i + 1, ports[2 * i], ports[2 * i + 1]) for i in range(nodes)])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log4j2.xml").write_text(LOG4J)
        cluster_id = _cluster_id()
        for node in cluster.nodes:
            text = properties(node, cluster.nodes, cluster.home(node.number) / "logs", extra or {})
            cluster._format(node.number, text, cluster_id, scram or {})
        try:
            for node in cluster.nodes:
                cluster.start_node(node.number)
            cluster.wait_ready()
        except BaseException:
            cluster.kill()
            raise
        return cluster

    @property
    def bootstrap(self) -> str:
        """What clients connect to first: `127.0.0.1:PORT,...`."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    @property
    def alive(self) -> bool:
        """Whether every node's process runs."""
        return all(node.number in self.processes and self.processes[node.number].alive for node in self.nodes)

    def home(self, number: int) -> Path:
        """Return a node's folder: its properties, its logs, its output."""
        return self.folder / f"node-{number}"

    def start_node(self, number: int) -> None:
        """Start a node that does not run; returns before it is ready."""
        home = self.home(number)
        self.processes[number] = Process.start(
            [
                java_home() / "bin" / "java",
                *("-Xms256m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
                f"-Dlog4j2.configurationFile=file:{self.folder / 'log4j2.xml'}",
                *("-cp", f"{resolve_kafka()}/*", "kafka.Kafka", str(home / "server.properties")),
            ],
            folder=home,
            output=home / "output.log",
        )

    def kill_node(self, number: int) -> None:
        """End a node at once (SIGKILL)."""
        self.processes[number].kill()

    def wait_ready(self, wait_s: float = READY_WAIT_S) -> None:
        """Return once every node that was started is in the cluster's metadata."""
        deadline = time.monotonic() + wait_s
        while True:
            for number, process in self.processes.items():
                if not process.alive:
                    raise EngineError(f"Kafka's node {number} ended: {tail(self.home(number) / 'output.log')}")
            listening = [listens(node.port) for node in self.nodes if node.number in self.processes]
            if all(listening) and _node_count(self.bootstrap) == len(listening):
                return
            if time.monotonic() > deadline:
                outputs = "\n".join(tail(self.home(number) / "output.log") for number in self.processes)
                raise EngineError(f"Kafka was not ready within {wait_s} s: {outputs}")
            time.sleep(READY_POLL_S)

    def stop(self) -> None:
        """Stop every node as it likes to be stopped: all are told first, as the last one needs a quorum to leave."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.stop()

    def kill(self) -> None:
        """End every node at once."""
        for process in self.processes.values():
            process.kill()

    def _format(self, number: int, text: str, cluster_id: str, scram: Mapping[str, str]) -> None:
        home = self.home(number)
        home.mkdir(parents=True)
        (home / "server.properties").write_text(text)
        users = [
            option
            for name, password in scram.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]
        done = subprocess.run(
            [
                java_home() / "bin" / "java",
                *("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
                *("-cp", f"{resolve_kafka()}/*", "kafka.tools.StorageTool"),
                *("format", "-t", cluster_id, "-c", str(home / "server.properties"), *users),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=FORMAT_WAIT_S,
        )
        if done.returncode:
            raise EngineError(f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}")


def _cluster_id() -> str:
    """Return 16 random bytes in url-safe base64 without padding; a leading dash would be read as an option."""
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


def _node_count(bootstrap: str) -> int:
    """Return what `_nodes` says, also where an event loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_nodes(bootstrap))).result()


async def _nodes(bootstrap: str) -> int:
    """Return how many nodes the cluster's own metadata names now; 0 when it does not answer."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(ASK_WAIT_S * 1000))
    try:
        await asyncio.wait_for(client.start(), ASK_WAIT_S)
        return len((await client.describe_cluster())["brokers"])
    except (KafkaError, TimeoutError, OSError):
        return 0
    finally:
        await client.close()
