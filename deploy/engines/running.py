"""Engines that `make engines` keeps running: a state file with pids and ports; a second call finds them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .elasticsearch import Elasticsearch
from .kafka import Kafka, KafkaNode
from .places import cache, locked
from .process import Process

__all__ = ["Running", "start_all", "stop_all"]

FORMAT = 1


@dataclass(slots=True)
class Running:
    """What runs; None where nothing does."""

    kafka: Kafka | None = None
    elasticsearch: Elasticsearch | None = None

    @classmethod
    def found(cls) -> Running:
        """Return what a former call left running and is alive."""
        path = _state_file(cache())
        if not path.is_file():
            return cls()
        state = json.loads(path.read_text())
        if state["format"] != FORMAT:
            return cls()
        kafka, elasticsearch = _kafka(state.get("kafka")), _elasticsearch(state.get("elasticsearch"))
        return cls(
            kafka if kafka is not None and kafka.alive else None,
            elasticsearch if elasticsearch is not None and elasticsearch.alive else None,
        )

    def save(self, folder: Path) -> None:
        """Write the state file, whole."""
        state: dict[str, Any] = {"format": FORMAT}
        if self.kafka is not None:
            state["kafka"] = {
                "folder": str(self.kafka.folder),
                "bootstrap": self.kafka.bootstrap,
                "nodes": [asdict(node) for node in self.kafka.nodes],
                "processes": {number: asdict(process) for number, process in self.kafka.processes.items()},
            }
        if self.elasticsearch is not None and self.elasticsearch.process is not None:
            state["elasticsearch"] = {
                "folder": str(self.elasticsearch.folder),
                "url": self.elasticsearch.url,
                "port": self.elasticsearch.port,
                "process": asdict(self.elasticsearch.process),
            }
        part = _state_file(folder).with_suffix(".part")
        part.write_text(json.dumps(state, indent=2) + "\n")
        part.replace(_state_file(folder))

    def as_dict(self) -> dict[str, str]:
        """Return where they answer, for people and scripts."""
        places: dict[str, str] = {}
        if self.kafka is not None:
            places["kafka"] = self.kafka.bootstrap
        if self.elasticsearch is not None:
            places["elasticsearch"] = self.elasticsearch.url
        return places


def start_all(*, brokers: int = 1, say: Callable[[str], None] = print) -> Running:
    """Return the engines that run; start what does not, or what runs with another number of brokers."""
    with locked("running") as folder:
        running = Running.found()
        if running.kafka is not None and len(running.kafka.nodes) != brokers:
            say(f"Kafka runs with {len(running.kafka.nodes)} nodes; it is started anew with {brokers}.")
            running.kafka.stop()
            running.kafka = None
        if running.kafka is None:
            say(f"Starting Kafka, {brokers} node(s).")
            running.kafka = Kafka.start(_fresh(folder / "run" / "kafka"), nodes=brokers)
            running.save(folder)
        if running.elasticsearch is None:
            say("Starting Elasticsearch.")
            running.elasticsearch = Elasticsearch.start(_fresh(folder / "run" / "elasticsearch"))
            running.save(folder)
        return running


def stop_all() -> dict[str, str]:
    """Stop what runs, forget its data; return what was stopped."""
    with locked("running") as folder:
        running = Running.found()
        if running.kafka is not None:
            running.kafka.stop()
        if running.elasticsearch is not None:
            running.elasticsearch.stop()
        shutil.rmtree(folder / "run", ignore_errors=True)
        _state_file(folder).unlink(missing_ok=True)
        return running.as_dict()


def _state_file(folder: Path) -> Path:
    return folder / "running.json"


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _kafka(state: dict[str, Any] | None) -> Kafka | None:
    if state is None:
        return None
    processes = {int(number): Process(**process) for number, process in state["processes"].items()}
    return Kafka(Path(state["folder"]), [KafkaNode(**node) for node in state["nodes"]], processes)


def _elasticsearch(state: dict[str, Any] | None) -> Elasticsearch | None:
    if state is None:
        return None
    return Elasticsearch(Path(state["folder"]), state["port"], Process(**state["process"]))
