"""What users get in containers: the topology that is promised, and settings that Clew itself takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.engines import ELASTICSEARCH_VERSION, KAFKA_VERSION

from clew_agent.config import AgentSettings
from clew_agent.settings import Settings, read_settings
from clew_collector.settings import CollectorSettings
from clew_query.settings import QuerySettings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "deploy" / "compose"
BROKERS = ("kafka-1", "kafka-2", "kafka-3")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return found


def test_has_three_brokers_elasticsearch_and_our_programs(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*BROKERS, "elasticsearch", "collector", "query", "agent"}


def test_every_service_has_a_health_check_and_a_volume_and_comes_back(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["volumes"], name
        assert service["restart"] == "unless-stopped", name


def test_every_named_volume_is_declared_and_every_mounted_file_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (COMPOSE / source).is_file()
            elif not source.startswith("/"):
                assert source in compose["volumes"]


def test_the_engines_are_of_the_versions_that_we_test(compose: dict[str, Any]) -> None:
    images = {name: compose["services"][name]["image"] for name in (*BROKERS, "elasticsearch")}
    assert {images[name].rpartition(":")[2] for name in BROKERS} == {KAFKA_VERSION}
    assert images["elasticsearch"].endswith(f":{ELASTICSEARCH_VERSION}")


def test_brokers_differ_in_id_and_name_and_keep_what_two_have(compose: dict[str, Any]) -> None:
    settings = [compose["services"][name]["environment"] for name in BROKERS]
    assert [one["KAFKA_NODE_ID"] for one in settings] == [1, 2, 3]
    assert [one["KAFKA_ADVERTISED_LISTENERS"] for one in settings] == [f"PLAINTEXT://{name}:9092" for name in BROKERS]
    assert {(one["KAFKA_DEFAULT_REPLICATION_FACTOR"], one["KAFKA_MIN_INSYNC_REPLICAS"]) for one in settings} == {(3, 2)}


@pytest.mark.parametrize(
    ("name", "kind"), [("agent", AgentSettings), ("collector", CollectorSettings), ("query", QuerySettings)]
)
def test_the_programs_take_their_settings(compose: dict[str, Any], name: str, kind: type[Settings]) -> None:
    settings = read_settings(COMPOSE / f"{name}.yaml", kind)
    assert settings
    assert compose["services"][name]["command"] == [name, "run", "--config", f"/etc/clew/{name}.yaml"]


def test_whoever_is_waited_for_is_waited_for_until_healthy(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, how in service.get("depends_on", {}).items():
            assert name in compose["services"]
            assert how == {"condition": "service_healthy"}


def test_the_image_has_every_package() -> None:
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    for package in ("agent", "collector", "query"):
        assert f"COPY {package} {package}" in text
    assert "USER clew" in text
