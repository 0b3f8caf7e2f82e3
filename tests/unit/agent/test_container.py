"""What a file's place tells of the container that writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clew_agent.config import SourceSettings
from clew_agent.tail import name_writer
from clew_agent.tail.container import container_of

ID = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UID = "0b7c4f1e-6d5a-4b6f-9c8e-1f2a3b4c5d6e"
POD = f"/var/log/pods/shop_orders-7d9f-x2x4z_{UID}/api/0.log"
LINK = f"/var/log/containers/orders-7d9f-x2x4z_shop_api-{ID}.log"
DOCKER = f"/var/lib/docker/containers/{ID}/{ID}-json.log"
OF_POD = {
    "k8s.namespace.name": "shop",
    "k8s.pod.name": "orders-7d9f-x2x4z",
    "k8s.pod.uid": UID,
    "k8s.container.name": "api",
}
PLAIN = SourceSettings(paths=("/x",))


@pytest.mark.parametrize(
    ("path", "real_path", "told"),
    [
        pytest.param(POD, POD, OF_POD, id="the kubelet's"),
        pytest.param(POD.replace("0.log", "0.log.20261124-120000"), "", OF_POD, id="rotated"),
        pytest.param(POD.replace("0.log", "0.log.20261124-120000.gz"), "", OF_POD, id="rotated and compressed"),
        pytest.param("/host" + POD, "", OF_POD, id="mounted elsewhere"),
        pytest.param(LINK, POD, {**OF_POD, "container.id": ID}, id="a link and what it leads to"),
        pytest.param(
            LINK,
            LINK,
            {name: value for name, value in OF_POD.items() if name != "k8s.pod.uid"} | {"container.id": ID},
            id="a link alone",
        ),
        pytest.param(DOCKER, DOCKER, {"container.id": ID}, id="Docker's"),
        pytest.param(DOCKER + ".2", DOCKER + ".2", {"container.id": ID}, id="Docker's, rotated"),
        pytest.param(
            f"/var/log/pods/kube-system_etcd-node-1_{'0a' * 16}/etcd/3.log",
            "",
            {
                "k8s.namespace.name": "kube-system",
                "k8s.pod.name": "etcd-node-1",
                "k8s.pod.uid": "0a" * 16,
                "k8s.container.name": "etcd",
            },
            id="a static pod",
        ),
        pytest.param("/var/log/orders.log", "/var/log/orders.log", {}, id="no container's"),
        pytest.param("/var/log/pods/orders.log", "", {}, id="a file among the pods"),
        pytest.param(DOCKER.replace("-json", "-other"), "", {}, id="another file of a container's"),
        pytest.param(f"/srv/containers/{ID}/{'0' * 64}-json.log", "", {}, id="of another id"),
    ],
)
def test_what_a_place_tells(path: str, real_path: str, told: dict[str, str]) -> None:
    assert container_of(path, real_path or path) == told


def test_docker_notes_the_name_beside_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "containers" / ID
    folder.mkdir(parents=True)
    path = str(folder / f"{ID}-json.log")
    assert container_of(path, path) == {"container.id": ID}
    (folder / "config.v2.json").write_text('{"ID": "x", "Name": "/payments-1", "State": {}}')
    assert container_of(path, path) == {"container.id": ID, "container.name": "payments-1"}
    (folder / "config.v2.json").write_bytes(b"\xff{ no JSON")
    assert container_of(path, path) == {"container.id": ID}


@pytest.mark.parametrize(
    ("path", "service", "instance"),
    [(POD, "api", "orders-7d9f-x2x4z"), (DOCKER, ID[:12], ID[:12]), ("/var/log/orders.log", "orders", "")],
)
def test_by_default_a_service_is_its_container_and_an_instance_its_pod(path: str, service: str, instance: str) -> None:
    writer = name_writer(PLAIN, path, host="h")
    assert (writer.service, writer.instance, writer.host) == (service, instance, "h")


def test_what_the_configuration_says_counts_more() -> None:
    source = SourceSettings.model_validate(
        {"paths": ["/x"], "service": {"from": "path", "pattern": r"/pods/[^_]+_(?P<service>[a-z]+)-"}, "instance": "i"}
    )
    writer = name_writer(source, POD, host="h")
    assert (writer.service, writer.instance, writer.resource) == ("orders", "i", OF_POD)
