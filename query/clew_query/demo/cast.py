"""The five services: where each pretends to run, how it is started, and how they find each other."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from .stage import Stage

__all__ = ["CAST", "Part", "logs_of", "raise_curtain"]

PACKAGE = "clew_query.demo.services"


@dataclass(frozen=True, slots=True)
class Part:
    """A service and the host that its file says it runs on."""

    name: str
    host: str
    arguments: tuple[str, ...]
    listens: bool = True


CAST = (
    Part("gateway", "edge-1", ("-m", f"{PACKAGE}.gateway")),
    Part("orders", "shop-1", ("-m", f"{PACKAGE}.orders")),
    Part("inventory", "shop-2", ("-m", f"{PACKAGE}.inventory")),
    Part("payments", "bank-1", ("-m", f"{PACKAGE}.payments")),
    Part(
        "shipping",
        "depot-1",
        ("-m", "huey.bin.huey_consumer", f"{PACKAGE}.shipping.huey", "-w", "2", "-n", "-d", "0.02", "-m", "0.1"),
        listens=False,
    ),
)


def logs_of(directory: Path) -> dict[str, Path]:
    """Return each service's log file, by service: `hosts/HOST/SERVICE.log`."""
    return {part.name: directory / "hosts" / part.host / f"{part.name}.log" for part in CAST}


def raise_curtain(stage: Stage, directory: Path) -> str:
    """Start every service and return the gateway's URL. Requests may come at once: the sockets listen already."""
    logs = logs_of(directory)
    sockets = {part.name: socket.create_server(("127.0.0.1", 0)) for part in CAST if part.listens}
    environment = {f"{name.upper()}_URL": _url(listening) for name, listening in sockets.items()}
    environment["QUEUE_FILE"] = str(directory / "queue.sqlite")
    # As in containers: two of the services log times without a zone.
    environment["TZ"] = "UTC"
    try:
        for part in CAST:
            logs[part.name].parent.mkdir(parents=True, exist_ok=True)
            listening = sockets.get(part.name)
            stage.start(
                part.name,
                [*part.arguments, *(["--fd", str(listening.fileno())] if listening else [])],
                stdout=logs[part.name],
                stderr=directory / f"{part.name}.stderr",
                environment=environment,
                pass_fds=[listening.fileno()] if listening else [],
            )
        return environment["GATEWAY_URL"]
    finally:
        for listening in sockets.values():
            listening.close()


def _url(listening: socket.socket) -> str:
    return "http://{}:{}".format(*listening.getsockname())
