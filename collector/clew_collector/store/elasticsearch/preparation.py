"""Before the first event is written: that this is an Elasticsearch we can use, and that our names are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from clew_collector.errors import StoreError

from .connection import OPENSEARCH_HINT, Connection
from .names import Names
from .settings import ElasticsearchSettings
from .template import VERSION, events_template, state_template

__all__ = ["VERSION_MIN", "foreign_indices", "index_names", "is_old", "prepare", "templates", "versions"]

VERSION_MIN = (8, 19)


class _Node(msgspec.Struct):
    version: str


class _Nodes(msgspec.Struct):
    nodes: dict[str, _Node] = {}


class _Meta(msgspec.Struct):
    made_by: str = ""
    version: int = 0


class _Mappings(msgspec.Struct):
    meta: _Meta | None = msgspec.field(default=None, name="_meta")


class _Index(msgspec.Struct):
    mappings: _Mappings = msgspec.field(default_factory=_Mappings)


class _Template(msgspec.Struct):
    meta: _Meta | None = msgspec.field(default=None, name="_meta")


class _Named(msgspec.Struct):
    index_template: _Template


class _Templates(msgspec.Struct):
    index_templates: list[_Named] = []


async def versions(connection: Connection) -> set[str]:
    """Return the versions of the cluster's nodes."""
    found = await connection.ask("GET", "/_nodes", kind=_Nodes, parameters={"filter_path": "nodes.*.version"})
    return {node.version for node in found.nodes.values()}


def is_old(version: str) -> bool:
    """Return whether we cannot use an Elasticsearch of this version."""
    parts = version.split(".")
    return not all(part.isdigit() for part in parts[:2]) or tuple(map(int, parts[:2])) < VERSION_MIN


async def index_names(connection: Connection, names: Names) -> set[str]:
    """Return the indices of events that there are."""
    found = await connection.ask(
        "GET",
        f"/{names.all_events}/_settings",
        kind=dict[str, Any],
        parameters={"filter_path": "*.settings.index.uuid"},
    )
    return set(found)


async def foreign_indices(connection: Connection, names: Names) -> list[str]:
    """Return the indices that have our names and were not made by our templates."""
    path = f"/{names.all_events},{names.all_state}/_mapping"
    found = await connection.ask("GET", path, kind=dict[str, _Index], parameters={"expand_wildcards": "all"})
    return sorted(
        name for name, index in found.items() if index.mappings.meta is None or index.mappings.meta.made_by != "clew"
    )


async def templates(connection: Connection, name: str) -> _Meta | None:
    """Return who made the template of this name; None where there is none."""
    found = await connection.ask("GET", f"/_index_template/{name}", kind=_Templates, allow=(404,))
    return (found.index_templates[0].index_template.meta or _Meta()) if found.index_templates else None


def wanted_templates(names: Names, settings: ElasticsearchSettings) -> Mapping[str, dict[str, Any]]:
    """Return our templates by name."""
    return {
        names.events_template: events_template(
            names, shards=settings.shards_initial, replicas=settings.replicas_initial
        ),
        names.state_template: state_template(names, replicas=settings.replicas_initial),
    }


async def prepare(connection: Connection, names: Names, settings: ElasticsearchSettings) -> None:
    """Put the templates in their place. StoreError, with nothing changed, when the cluster or a name is not for us."""
    if old := sorted(filter(is_old, await versions(connection))):
        raise StoreError(f"Elasticsearch is of version {old[0]}, Clew needs 8.19 or newer", hint=OPENSEARCH_HINT)
    if foreign := await foreign_indices(connection, names):
        raise StoreError(
            f"the index {foreign[0]} was not made by Clew ({len(foreign)} such)",
            hint="set another index_prefix, or move what is there away; Clew never changes it",
        )
    for name, template in wanted_templates(names, settings).items():
        meta = await templates(connection, name)
        if meta is not None and meta.made_by != "clew":
            raise StoreError(
                f"the index template {name} was not made by Clew", hint="set another index_prefix, or remove it"
            )
        if meta is not None and meta.version > VERSION:
            raise StoreError(
                f"the index template {name} was made by a newer Clew (version {meta.version}, this one is {VERSION})",
                hint="run the newer Clew",
            )
        await connection.ask("PUT", f"/_index_template/{name}", template, kind=dict[str, Any])
