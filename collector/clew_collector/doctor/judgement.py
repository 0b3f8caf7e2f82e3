"""Judging facts. Pure: a table of cases."""

from __future__ import annotations

from collections.abc import Iterator

from clew_collector.store.elasticsearch.connection import OPENSEARCH_HINT
from clew_collector.store.elasticsearch.preparation import is_old
from clew_collector.store.elasticsearch.settings import ElasticsearchSettings
from clew_collector.store.elasticsearch.template import VERSION

from .facts import ElasticsearchFacts
from .finding import Finding, Level, worst_first

__all__ = ["judge"]

DISK_PERCENT_MAX = 85
"""Elasticsearch's low watermark: from there on it gives a node no new shards; at 95 its indices become read-only."""
SHARDS_SHARE_MAX = 0.9
_FLOOD = "read_only_allow_delete"


def judge(facts: ElasticsearchFacts, settings: ElasticsearchSettings) -> list[Finding]:
    """Return what there is to say, the worst first."""
    if facts.unreachable:
        return [Finding(Level.ERROR, "elasticsearch", facts.unreachable, facts.unreachable_hint)]
    return worst_first(_findings(facts, settings))


def _findings(facts: ElasticsearchFacts, settings: ElasticsearchSettings) -> Iterator[Finding]:
    yield _version(facts)
    yield _health(facts)
    yield from _names(facts)
    yield from _blocks(facts)
    yield from _room(facts, settings)
    yield _copies(facts, settings)


def _version(facts: ElasticsearchFacts) -> Finding:
    versions = ", ".join(sorted(facts.versions))
    if old := sorted(filter(is_old, facts.versions)):
        return Finding(
            Level.ERROR, "version", f"Elasticsearch is of version {old[0]}, Clew needs 8.19 or newer", OPENSEARCH_HINT
        )
    if len(facts.versions) > 1:
        return Finding(Level.WARNING, "version", f"nodes are of versions {versions}", "finish the upgrade")
    return Finding(Level.FINE, "version", f"Elasticsearch {versions}")


def _health(facts: ElasticsearchFacts) -> Finding:
    if facts.health == "red":
        return Finding(
            Level.ERROR,
            "health",
            f"the cluster is red: {facts.unassigned_shards} shards are on no node, so events cannot be stored or found",
            "start the missing nodes; `GET _cluster/allocation/explain` says why a shard is on none. "
            "What comes meanwhile is kept in the log",
        )
    if facts.health == "yellow":
        return Finding(
            Level.WARNING,
            "health",
            f"the cluster is yellow: {facts.unassigned_shards} copies are on no node",
            "start more nodes, or set replicas_initial to 0 if there is to be one only",
        )
    return Finding(Level.FINE, "health", f"the cluster is {facts.health}")


def _names(facts: ElasticsearchFacts) -> Iterator[Finding]:
    for name in facts.foreign[:10]:
        yield Finding(
            Level.ERROR,
            "names",
            f"the index {name} was not made by Clew",
            "set another index_prefix, or move what is there away; Clew never changes it",
        )
    for name in facts.foreign_templates:
        yield Finding(
            Level.ERROR, "names", f"the index template {name} was not made by Clew", "set another index_prefix"
        )
    for name, version in facts.template_versions.items():
        if version > VERSION:
            yield Finding(
                Level.ERROR, "names", f"the index template {name} was made by a newer Clew", "run the newer Clew"
            )
    if not facts.foreign and not facts.foreign_templates:
        made = "are in place" if facts.template_versions else "are made with the first event"
        yield Finding(Level.FINE, "names", f"templates {made}; {facts.days} days")


def _blocks(facts: ElasticsearchFacts) -> Iterator[Finding]:
    if flooded := sorted(name for name, block in facts.blocked.items() if block == _FLOOD):
        yield Finding(
            Level.ERROR,
            "blocks",
            f"{len(flooded)} indices are read-only, as a disk was nearly full (flood stage): {flooded[0]}",
            "free disk space, or set store.elasticsearch.retention; Elasticsearch lifts the block by itself once there "
            "is space. What comes meanwhile is kept in the log",
        )
    if others := sorted(name for name, block in facts.blocked.items() if block != _FLOOD):
        yield Finding(
            Level.ERROR,
            "blocks",
            f"{len(others)} indices were made read-only by somebody: {others[0]}",
            f'set its setting "index.blocks.{facts.blocked[others[0]]}" to null',
        )


def _room(facts: ElasticsearchFacts, settings: ElasticsearchSettings) -> Iterator[Finding]:
    if facts.disk_percent is not None and facts.disk_percent >= DISK_PERCENT_MAX:
        yield Finding(
            Level.WARNING,
            "disk",
            f"a node's disk is {facts.disk_percent} % full; at 95 % indices become read-only",
            "free disk space, add a node, or set store.elasticsearch.retention.size_bytes_max",
        )
    if facts.shards_per_node_max is not None:
        most = facts.shards_per_node_max * max(facts.nodes, 1)
        if facts.shards >= SHARDS_SHARE_MAX * most:
            yield Finding(
                Level.WARNING,
                "shards",
                f"{facts.shards} of at most {most} shards are there; above that no new day can begin",
                "set store.elasticsearch.retention.age_days_max, or fewer shards_initial",
            )
    if facts.days >= settings.days_max:
        yield Finding(
            Level.WARNING,
            "days",
            f"there are {facts.days} days, and days_max is {settings.days_max}: lines of other days go undated",
            "set store.elasticsearch.retention.age_days_max, or a higher days_max",
        )


def _copies(facts: ElasticsearchFacts, settings: ElasticsearchSettings) -> Finding:
    if settings.replicas_initial == 0:
        return Finding(
            Level.WARNING,
            "copies",
            "there is no copy of a shard: a lost disk is lost events",
            "set replicas_initial to 1 when there is more than one node",
        )
    return Finding(Level.FINE, "copies", f"{settings.replicas_initial} copies of each shard")
