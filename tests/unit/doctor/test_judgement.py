"""What the doctor says of an Elasticsearch: facts and findings, a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clew_collector.doctor import ElasticsearchFacts, Level, judge
from clew_collector.store.elasticsearch import ElasticsearchSettings
from clew_collector.store.elasticsearch.template import VERSION

SETTINGS = ElasticsearchSettings()
WELL = ElasticsearchFacts(
    versions=frozenset({"8.19.8"}),
    health="green",
    nodes=3,
    shards=100,
    shards_per_node_max=1000,
    disk_percent=40,
    template_versions={"clew-events": VERSION, "clew-state": VERSION},
    days=30,
)

CASES: dict[str, tuple[dict[str, Any], Level, str, str]] = {
    "away": ({"unreachable": "Elasticsearch does not answer", "unreachable_hint": "check `hosts`"},
             Level.ERROR, "does not answer", "check `hosts`"),
    "version 7": ({"versions": frozenset({"7.17.0"})}, Level.ERROR, "version 7.17.0", "OpenSearch"),
    "an old 8": ({"versions": frozenset({"8.18.2"})}, Level.ERROR, "needs 8.19", ""),
    "no version that we know": ({"versions": frozenset({"snapshot"})}, Level.ERROR, "snapshot", ""),
    "two versions": ({"versions": frozenset({"8.19.1", "8.19.8"})}, Level.WARNING, "8.19.1, 8.19.8", "upgrade"),
    "red": ({"health": "red", "unassigned_shards": 2}, Level.ERROR, "red: 2 shards", "start the missing nodes"),
    "yellow": ({"health": "yellow", "unassigned_shards": 5}, Level.WARNING, "yellow: 5 copies", "replicas_initial"),
    "flood stage": ({"blocked": {"clew-events-2026.11.24": "read_only_allow_delete"}},
                    Level.ERROR, "flood stage", "free disk space"),
    "read-only by hand": ({"blocked": {"clew-events-2026.11.24": "write"}},
                          Level.ERROR, "read-only by somebody", '"index.blocks.write" to null'),
    "somebody else's index": ({"foreign": ("clew-events-mine",)}, Level.ERROR, "clew-events-mine", "index_prefix"),
    "somebody else's template": ({"foreign_templates": ("clew-events",)}, Level.ERROR, "template clew-events", ""),
    "a newer Clew's template": ({"template_versions": {"clew-events": VERSION + 1}},
                                Level.ERROR, "newer Clew", "run the newer Clew"),
    "a full disk": ({"disk_percent": 91}, Level.WARNING, "91 % full", "size_bytes_max"),
    "many shards": ({"shards": 2_950}, Level.WARNING, "2950 of at most 3000", "age_days_max"),
    "many days": ({"days": 400}, Level.WARNING, "days_max is 400", "days_max"),
}  # fmt: skip


def test_a_cluster_that_is_well_is_fine_throughout() -> None:
    assert {finding.level for finding in judge(WELL, SETTINGS)} == {Level.FINE}


@pytest.mark.parametrize(("facts", "level", "message", "hint"), CASES.values(), ids=list(CASES))
def test_what_is_wrong_comes_first_and_says_what_to_do(
    facts: dict[str, Any], level: Level, message: str, hint: str
) -> None:
    worst = judge(replace(WELL, **facts), SETTINGS)[0]
    assert worst.level is level
    assert message in worst.message
    assert hint in worst.hint
    assert worst.hint


def test_a_cluster_without_copies_is_warned_of() -> None:
    warned = judge(WELL, ElasticsearchSettings(replicas_initial=0))[0]
    assert (warned.level, warned.subject) == (Level.WARNING, "copies")


def test_a_new_cluster_is_fine() -> None:
    facts = ElasticsearchFacts(versions=frozenset({"9.1.0"}))
    assert {finding.level for finding in judge(facts, SETTINGS)} == {Level.FINE}
