"""Which container writes a file: told by where runtimes put their logs, in OpenTelemetry's words.

| path | it tells |
| --- | --- |
| `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log` | namespace, pod, its uid, container |
| `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log` | pod, namespace, container, its id; it is a link to the former |
| `/var/lib/docker/containers/ID/ID-json.log` | the id; the name is in `config.v2.json` beside it, if that can be read |

The directories may be mounted elsewhere (`/host/var/log/pods`). Names are as Kubernetes allows them (RFC 1123), so that
`_` parts them. Attributes: OpenTelemetry semantic conventions, resources `k8s` and `container`.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

__all__ = ["container_of"]

_NAME = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_ID = "[0-9a-f]{64}"
_PATHS = (
    re.compile(
        rf"/log/pods/(?P<namespace>{_NAME})_(?P<pod>{_NAME})_(?P<uid>[0-9a-f-]{{32,36}})/(?P<container>{_NAME})/[^/]+\Z"
    ),
    re.compile(rf"/log/containers/(?P<pod>{_NAME})_(?P<namespace>{_NAME})_(?P<container>{_NAME})-(?P<id>{_ID})\.log\Z"),
    re.compile(rf"/containers/(?P<id>{_ID})/(?P=id)-json\.log(?:\.[^/]+)?\Z"),
)
_ATTRIBUTES = {
    "namespace": "k8s.namespace.name",
    "pod": "k8s.pod.name",
    "uid": "k8s.pod.uid",
    "container": "k8s.container.name",
    "id": "container.id",
}
_CONFIG_BYTES_MAX = 1 << 20


class _DockerConfig(msgspec.Struct):
    name: str = msgspec.field(name="Name", default="")


def container_of(path: str, real_path: str) -> dict[str, str]:
    """Return what is known of the container that writes a file; empty where its place is no runtime's.

    `real_path`: where `path` leads if it is a link; both may tell something.
    """
    told: dict[str, str] = {}
    for place in dict.fromkeys((path, real_path)):
        for pattern in _PATHS:
            if found := pattern.search(place):
                told |= {_ATTRIBUTES[key]: value for key, value in found.groupdict().items()}
    if "container.id" in told and "k8s.pod.name" not in told:
        name = _docker_name(Path(real_path).parent / "config.v2.json")
        if name:
            told["container.name"] = name
    return told


def _docker_name(config: Path) -> str:
    """Return the name that Docker's own note of a container has; empty if it cannot be read."""
    try:
        with config.open("rb") as file:
            return msgspec.json.decode(file.read(_CONFIG_BYTES_MAX), type=_DockerConfig).name.removeprefix("/")
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""
