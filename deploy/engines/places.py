"""Where things are: the cache of artefacts, the state of running engines, Java."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from .errors import EnginesUnavailable

__all__ = ["cache", "free_ports", "java_home", "listens", "locked", "unprivileged"]

PORTS = range(20_000, 32_000)
"""Below the range that outgoing connections take: a broker that is down for a while finds its port free again."""


def cache() -> Path:
    """Return the folder for artefacts and running engines, outside the tree: CLEW_ENGINES_CACHE, else XDG's.

    Root's is /var/cache: Elasticsearch refuses to run as root, and nobody else can read root's home.
    """
    if given := os.environ.get("CLEW_ENGINES_CACHE"):
        return Path(given)
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "clew" / "engines"
    return Path("/var/cache/clew/engines") if os.geteuid() == 0 else Path.home() / ".cache" / "clew" / "engines"


@contextlib.contextmanager
def locked(name: str) -> Iterator[Path]:
    """Hold the cache's lock of this name, waiting for it; give the cache."""
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def java_home() -> Path:
    """Return the JDK: JAVA_HOME, else that of `java` on the path."""
    if given := os.environ.get("JAVA_HOME"):
        return Path(given)
    found = shutil.which("java")
    if found is None:
        raise EnginesUnavailable("there is no Java on this machine; install a JDK 17 or newer, or set JAVA_HOME")
    return Path(found).resolve().parent.parent


def unprivileged() -> dict[str, object]:
    """Return what makes `subprocess` run a program as nobody where this process is root, else nothing."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def free_ports(count: int) -> list[int]:
    """Return so many different ports of loopback that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(PORTS, k=len(PORTS)):
        if len(found) == count:
            return found
        if not listens(port):
            found.append(port)
    raise EnginesUnavailable("there are no free ports")


def listens(port: int) -> bool:
    """Return whether anybody listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
