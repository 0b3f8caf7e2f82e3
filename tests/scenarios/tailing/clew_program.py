"""Clew's agent for the scenarios."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scenarios.agent_program import AgentProgram
from tests.scenarios.tailing.programs import Behaviour, Options
from tests.scenarios.tailing.verdict import Delivery
from tests.sink import Answer, Sink

from clew_agent.wire import Chunk, event_id

__all__ = ["ClewProgram", "ClewReceiver"]

_ANSWERS = {
    Behaviour.UNAVAILABLE: Answer(503),
    Behaviour.FORGET_TO_SAY: Answer(503, keeps=True),
}


def _quiet_port() -> int:
    """Return a free port that the kernel gives to no connection: the receiver comes back to it."""
    while True:
        port = random.randrange(15_000, 30_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


class ClewReceiver:
    """An HTTP receiver of chunks."""

    def __init__(self) -> None:
        self.port = _quiet_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.refuses: Callable[[bytes], bool] = lambda _line: False
        self._behaviour = Behaviour.TAKE
        self._sinks: list[Sink] = []
        self._open: Sink | None = None
        self._taken = [0, 0]  # sink, chunk
        self._deliveries: list[Delivery] = []
        self.up()

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        if self._open:
            self._open.always = _ANSWERS.get(behaviour)
            self._open.pause_s = 0.2 if behaviour is Behaviour.SLOW else 0.0

    def deliveries(self) -> list[Delivery]:
        while self._taken[0] < len(self._sinks):
            sink = self._sinks[self._taken[0]]
            closed = sink is not self._open
            for chunk in sink.chunks[self._taken[1] :]:
                self._taken[1] += 1
                file_id = chunk.source.file_id
                self._deliveries += [Delivery(event_id(file_id, line.offset), line.raw) for line in chunk.lines()]
            if not closed:
                break
            self._taken = [self._taken[0] + 1, 0]
        return list(self._deliveries)

    def requests(self) -> int:
        return sum(sink.requests for sink in self._sinks)

    def beats(self) -> list[object]:
        return [beat for sink in self._sinks for beat in sink.beats]

    def up(self) -> None:
        if self._open is None:
            self._open = Sink(port=self.port)
            self._open.refuses = self._refuses
            self._open.__enter__()
            self._sinks.append(self._open)
            self.behaviour = self._behaviour

    def down(self) -> None:
        if self._open:
            sink, self._open = self._open, None
            sink.__exit__(None, None, None)

    def _refuses(self, chunk: Chunk) -> bool:
        return any(self.refuses(line.raw) for line in chunk.lines())


class ClewProgram:
    """The agent as people run it."""

    name = "clew"
    patience_s = 20.0
    calm_s = 0.3

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.receiver = ClewReceiver()
        self._agent: AgentProgram | None = None

    def configure(self, options: Options) -> None:
        source: dict[str, object] = {"paths": list(options.paths)}
        for key in ("encoding", "join_parts"):
            if value := getattr(options, key):
                source[key] = value
        settings: dict[str, object] = {
            "sources": [source],
            "watch": not options.polling,
            "start": "end" if options.from_end else "beginning",
            "scan_interval_s": 0.1 if options.polling else 0.5,
            "rotated_idle_s": 0.5,
            "copy_wait_s": 1.0,
            "shutdown_flush_s": 3.0,
        }
        for key in ("open_files_max", "line_bytes_max"):
            if value := getattr(options, key):
                settings[key] = value
        running = self._agent
        self._agent = AgentProgram(self._folder, self.receiver.url, prefix=options.prefix, **settings)
        if running:
            self._agent.take_over(running)

    @property
    def agent(self) -> AgentProgram:
        assert self._agent is not None
        return self._agent

    def start(self) -> None:
        process = self.agent.start()
        deadline = time.monotonic() + 20
        while self._status().get("pid") != process.pid and time.monotonic() < deadline and self.alive():
            time.sleep(0.01)

    def stop(self) -> None:
        self.agent.terminate()

    def kill(self) -> None:
        self.agent.kill()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        self._signal(signal.SIGHUP)

    def alive(self) -> bool:
        return self.agent.process is not None and self.agent.process.poll() is None

    def state_files(self) -> list[str]:
        return [str(self.agent.data / name) for name in ("checkpoint", "checkpoint.previous")]

    def bytes_given_up(self) -> int:
        files = self._status().get("heartbeat", {}).get("files", [])
        return sum(lost["end"] - lost["start"] for file in files for lost in file["given_up"])

    def close(self) -> None:
        if self._agent:
            if self.alive():
                self.go_on()
            self._agent.kill()
        self.receiver.down()

    def _status(self) -> dict[str, Any]:
        path = self.agent.data / "status.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _signal(self, number: int) -> None:
        assert self.agent.process is not None
        os.kill(self.agent.process.pid, number)
