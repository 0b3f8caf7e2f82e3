"""Where log shippers put what they know of a line: Filebeat (ECS), Fluent Bit, Vector, as tables of keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

__all__ = ["Shipped", "unwrap"]

# Paths into the document; the first that has a text counts. Dots part levels, as no key of these has one.
_HOST = ("host.name", "host.hostname", "host", "hostname", "agent.hostname", "kubernetes.node.name", "kubernetes.host",
         "kubernetes.pod_node_name")  # fmt: skip
_PATH = ("log.file.path", "file", "filename", "file_path", "path")
_SERVICE = ("service.name", "service", "kubernetes.container.name", "kubernetes.container_name", "container.name")
_LABELS = ("kubernetes.labels", "kubernetes.pod_labels")
_SERVICE_LABELS = ("app.kubernetes.io/name", "app_kubernetes_io/name", "app", "k8s-app")
_INSTANCE = (
    "kubernetes.pod.name",
    "kubernetes.pod_name",
    "container.id",
    "kubernetes.docker_id",
    "kubernetes.container_id",
)
_LINE = ("message", "log")
_TIME = ("@timestamp", "timestamp", "time", "date")
_STREAM = ("stream",)
# What the shippers say of themselves, or what became a field.
_DROPPED = ("@metadata", "agent", "ecs", "input", "source_type", "host", "hostname", "file", "filename", "file_path",
            "offset", "stream", "timestamp_end")  # fmt: skip


class Shipped(NamedTuple):
    """A document taken apart."""

    host: str
    path: str
    service: str
    instance: str
    stream: str
    line: str | None
    """The line as the program wrote it; None where the shipper parsed it, or where there is none."""
    time: Any
    """When the shipper (or the runtime) saw the line, as written; None where it does not say."""
    fields: dict[str, Any]
    """All else; if there is no line, also the time."""


def unwrap(document: dict[str, Any]) -> Shipped:
    """Return what the document says of its line. A key that is there and has another type is left as a field."""
    host, path, stream = (_text(document, keys)[1] for keys in (_HOST, _PATH, _STREAM))
    service = _service(document) or PurePosixPath(path).name.partition(".")[0]
    instance = _text(document, _INSTANCE)[1]
    line_key, line = _text(document, _LINE)
    time_key = next((key for key in _TIME if isinstance(document.get(key), str | int | float)), "")
    fields = {key: value for key, value in document.items() if key not in _DROPPED}
    log = fields.get("log")
    if isinstance(log, dict):
        fields["log"] = {key: value for key, value in log.items() if key not in {"file", "offset"}}
    if not line_key or _is_parsed(fields):
        return Shipped(host, path, service, instance, stream, None, None, fields)
    time = fields.pop(time_key, None)
    # Fluent Bit writes both its own time and the runtime's; they say the same.
    for key in (line_key, "time", "date"):
        fields.pop(key, None)
    return Shipped(host, path, service, instance, stream, line, time, fields)


def _is_parsed(fields: dict[str, Any]) -> bool:
    """Return whether the shipper has taken the program's line apart: then its keys stand beside the message."""
    log = fields.get("log")
    return (isinstance(log, dict) and "level" in log) or any(key in fields for key in ("level", "severity", "msg"))


def _service(document: dict[str, Any]) -> str:
    for at in _LABELS:
        labels = _at(document, at)
        if isinstance(labels, dict):
            name = next((labels[key] for key in _SERVICE_LABELS if isinstance(labels.get(key), str)), "")
            if name:
                return name
    return _text(document, _SERVICE)[1]


def _text(document: dict[str, Any], places: Sequence[str]) -> tuple[str, str]:
    """Return the first place that has a text, and the text; empty if none has."""
    for place in places:
        value = _at(document, place)
        if isinstance(value, str) and value:
            return place, value
    return "", ""


def _at(document: dict[str, Any], place: str) -> Any:
    value: Any = document
    for key in place.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
