"""Who writes a file: service, instance and host, from the configuration and the path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from clew_agent.config import FromPath, SourceSettings

from .container import container_of

__all__ = ["Writer", "name_writer"]

# `app.log`, and what rotation makes of it: `app.log.1`, `app.log-20261124`, `app.log.2026-11-24`.
_LOG_NAME = re.compile(r"(?P<stem>.+?)\.log(?:[.-][0-9][0-9.-]*)?")

# As `docker ps` shows ids.
_ID_SHORT = 12


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a file; `problems` says which settings found no name in its path."""

    service: str
    instance: str
    host: str
    problems: tuple[str, ...] = ()
    resource: dict[str, str] = field(default_factory=dict)
    """What its place tells of the container that writes it, see `container`."""


def name_writer(source: SourceSettings, path: str, *, host: str, real_path: str = "") -> Writer:
    """Return who writes the file; where a pattern does not match its path, the default stands and is a problem.

    By default a service is called like its container, or like its file, and an instance is a pod or a container.
    """
    resource = container_of(path, real_path or path)
    container_id = resource.get("container.id", "")
    service = resource.get("k8s.container.name") or resource.get("container.name") or container_id[:_ID_SHORT]
    defaults = {
        "service": service or _stem(path),
        "instance": resource.get("k8s.pod.name") or container_id[:_ID_SHORT],
        "host": host,
    }
    problems: list[str] = []
    names: dict[str, str] = {}
    for key, default in defaults.items():
        naming: str | FromPath | None = getattr(source, key)
        if isinstance(naming, FromPath):
            match = re.search(naming.pattern, path)
            if not match or not match[key]:
                problems.append(f"{key}: the pattern {naming.pattern!r} finds no {key} in this path")
            names[key] = (match[key] if match else None) or default
        else:
            names[key] = naming or default
    return Writer(names["service"], names["instance"], names["host"], tuple(problems), resource)


def _stem(path: str) -> str:
    name = PurePath(path).name
    match = _LOG_NAME.fullmatch(name)
    return match["stem"] if match else name
