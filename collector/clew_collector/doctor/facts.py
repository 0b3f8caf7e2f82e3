"""What is the case in an Elasticsearch: asked for, not judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from clew_collector.errors import StoreError
from clew_collector.store.elasticsearch.connection import Connection
from clew_collector.store.elasticsearch.names import Names
from clew_collector.store.elasticsearch.preparation import foreign_indices, index_names, is_old, templates, versions

__all__ = ["ElasticsearchFacts", "gather"]

BLOCKS = ("read_only_allow_delete", "read_only", "write")


@dataclass(frozen=True, kw_only=True)
class ElasticsearchFacts:
    """What a cluster says of itself; `unreachable` when it says nothing, and then the rest says nothing either."""

    unreachable: str = ""
    unreachable_hint: str = ""
    versions: frozenset[str] = frozenset()
    health: str = "green"
    unassigned_shards: int = 0
    nodes: int = 1
    shards: int = 0
    shards_per_node_max: int | None = None
    disk_percent: int | None = None
    """Of the fullest node."""
    blocked: dict[str, str] = field(default_factory=dict)
    """Our indices that take no writes, and which block it is."""
    foreign: tuple[str, ...] = ()
    foreign_templates: tuple[str, ...] = ()
    template_versions: dict[str, int] = field(default_factory=dict)
    days: int = 0


class _Health(msgspec.Struct):
    status: str
    unassigned_shards: int = 0
    number_of_data_nodes: int = 1
    active_shards: int = 0


class _Allocation(msgspec.Struct):
    percent: str | None = msgspec.field(default=None, name="disk.percent")


async def gather(connection: Connection, names: Names) -> ElasticsearchFacts:
    """Return the facts. Never raises what an operator should read here: then the cluster is unreachable, and why."""
    try:
        return await _gather(connection, names)
    except StoreError as error:
        return ElasticsearchFacts(unreachable=error.message, unreachable_hint=error.hint)


async def _gather(connection: Connection, names: Names) -> ElasticsearchFacts:
    found = frozenset(await versions(connection))
    if any(map(is_old, found)):
        return ElasticsearchFacts(versions=found)  # what else it says may mean something else
    health = await connection.ask("GET", "/_cluster/health", kind=_Health)
    template_versions, foreign_templates = {}, []
    for name in (names.events_template, names.state_template):
        meta = await templates(connection, name)
        if meta is not None and meta.made_by != "clew":
            foreign_templates.append(name)
        elif meta is not None:
            template_versions[name] = meta.version
    indices = await index_names(connection, names)
    return ElasticsearchFacts(
        versions=found,
        health=health.status,
        unassigned_shards=health.unassigned_shards,
        nodes=health.number_of_data_nodes,
        shards=health.active_shards,
        shards_per_node_max=await _shards_per_node_max(connection),
        disk_percent=await _disk_percent(connection),
        blocked=await _blocked(connection, names),
        foreign=tuple(await foreign_indices(connection, names)),
        foreign_templates=tuple(foreign_templates),
        template_versions=template_versions,
        days=sum(not names.is_undated(index) for index in indices),
    )


async def _shards_per_node_max(connection: Connection) -> int | None:
    parameters = {"include_defaults": "true", "flat_settings": "true", "filter_path": "*.cluster.max_shards_per_node"}
    found = await connection.ask("GET", "/_cluster/settings", kind=dict[str, dict[str, str]], parameters=parameters)
    for part in ("transient", "persistent", "defaults"):
        if value := found.get(part, {}).get("cluster.max_shards_per_node"):
            return int(value)
    return None


async def _disk_percent(connection: Connection) -> int | None:
    found = await connection.ask(
        "GET", "/_cat/allocation", kind=list[_Allocation], parameters={"format": "json", "h": "disk.percent"}
    )
    return max((int(one.percent) for one in found if one.percent), default=None)


async def _blocked(connection: Connection, names: Names) -> dict[str, str]:
    found = await connection.ask(
        "GET",
        f"/{names.all_events},{names.all_state}/_settings/index.blocks.*",
        kind=dict[str, Any],
        parameters={"flat_settings": "true"},
    )
    blocked = {}
    for name, index in found.items():
        settings = index.get("settings", {})
        for block in BLOCKS:
            if settings.get(f"index.blocks.{block}") == "true":
                blocked[name] = block
                break
    return blocked
