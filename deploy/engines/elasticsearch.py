"""An Elasticsearch of one node on loopback, without security unless it is given one, never as root."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from .artifacts import resolve_elasticsearch, resolve_secured_elasticsearch
from .errors import EngineError
from .places import free_ports, java_home, unprivileged
from .process import Process, tail
from .security import Security

__all__ = ["Elasticsearch"]

READY_WAIT_S = 300.0
"""Long, as a machine may be busy; a process that ended is noticed at once."""
READY_POLL_S = 0.3


@dataclass(slots=True)
class Elasticsearch:
    """A running node. It can be killed, paused and started again; its ports and data stay."""

    folder: Path
    port: int
    process: Process | None = None
    security: Security | None = None

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        heap_mb: int = 1024,
        extra: Mapping[str, str] | None = None,
        security: Security | None = None,
    ) -> Elasticsearch:
        """Start a node in an empty folder; return once its health is green. `extra` are settings of the node."""
        [port] = free_ports(1)
        node = cls(folder, port, security=security)
        settings = {
            "cluster.name": f"clew-{port}",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": str(port),
            # Nobody speaks to it; a port that was free when it was chosen may be taken before it is bound.
            "transport.port": "0",
            "path.data": str(folder / "data"),
            "path.logs": str(folder / "logs"),
            "xpack.security.enabled": "false",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "action.destructive_requires_name": "false",
            **(security.settings if security is not None else {}),
        }
        config = folder / "config"
        shutil.copytree(node.home / "config", config)
        if security is not None:
            security.put_into(config, home=node.home)
        text = "".join(f"{key}: {value}\n" for key, value in (settings | dict(extra or {})).items())
        (config / "elasticsearch.yml").write_text(text)
        options = config / "jvm.options.d"
        options.mkdir(exist_ok=True)
        (options / "heap.options").write_text(f"-Xms{heap_mb}m\n-Xmx{heap_mb}m\n")
        (folder / "tmp").mkdir()
        _give_away(folder)
        try:
            node.start_node()
            node.wait_ready()
        except BaseException:
            node.kill()
            raise
        return node

    @property
    def home(self) -> Path:
        """Where the program is."""
        return resolve_elasticsearch() if self.security is None else resolve_secured_elasticsearch()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'http' if self.security is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.alive

    def start_node(self) -> None:
        """Start it when it does not run; returns before it is ready."""
        self.process = Process.start(
            [self.home / "bin" / "elasticsearch"],
            folder=self.folder,
            output=self.folder / "output.log",
            environment={
                "ES_JAVA_HOME": str(java_home()),
                "ES_PATH_CONF": str(self.folder / "config"),
                "ES_TMPDIR": str(self.folder / "tmp"),
            },
            identity=unprivileged(),
        )

    def wait_ready(self, wait_s: float = READY_WAIT_S) -> None:
        """Return once its health is green."""
        deadline = time.monotonic() + wait_s
        client = self.security.client if self.security is not None else {}
        while time.monotonic() < deadline:
            if not self.alive:
                raise EngineError(f"Elasticsearch ended: {tail(self.folder / 'output.log')}")
            try:
                answer = httpx.get(f"{self.url}/_cluster/health?wait_for_status=green&timeout=1s", timeout=5, **client)
                if answer.status_code == 200 and answer.json()["status"] == "green":
                    return
            except httpx.TransportError:
                pass  # not listening yet; the deadline bounds it
            time.sleep(READY_POLL_S)
        raise EngineError(f"Elasticsearch was not green within {wait_s} s: {tail(self.folder / 'output.log')}")

    def stop(self) -> None:
        """Stop it as it likes to be stopped."""
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL), with the server that its launcher started."""
        if self.process is not None:
            self.process.kill()


def _give_away(folder: Path) -> None:
    """Let the user that runs the node own its folder, where that is another one."""
    if not unprivileged():
        return
    for path, _, files in os.walk(folder):
        shutil.chown(path, "nobody", "nogroup")
        for name in files:
            shutil.chown(Path(path) / name, "nobody", "nogroup")
