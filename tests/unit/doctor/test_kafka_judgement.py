"""What the doctor says of a Kafka: facts and findings, a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clew_collector.doctor.finding import Level
from clew_collector.doctor.kafka_facts import GroupFacts, KafkaFacts, TopicFacts
from clew_collector.doctor.kafka_judgement import judge_kafka
from clew_collector.log.kafka.settings import KafkaLogSettings

SETTINGS = KafkaLogSettings.model_validate({"foreign_topics": [{"topic": "otlp", "form": "otlp_logs"}]})
EVENTS = TopicFacts(name="clew.events", partitions=12, replicas=3, in_sync=3, min_in_sync=2)
WELL = KafkaFacts(brokers=3, topics=(EVENTS,), group=GroupFacts(members=2, lag_records=7))
MANY = 50_000

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], Level, str, str]] = {
    "away": ({"unreachable": "Kafka at b:1 does not answer", "unreachable_hint": "see that the brokers run"}, {}, {},
             Level.ERROR, "does not answer", "brokers run"),
    "a topic is missing": ({}, {"exists": False}, {}, Level.WARNING, "does not exist", "start a collector"),
    "a topic of others is missing": ({}, {"exists": False, "ours": False, "name": "otlp"}, {},
                                     Level.WARNING, "does not exist", "foreign_topics"),
    "no leader": ({}, {"leaderless": 4}, {}, Level.ERROR, "4 of its 12 partitions have no leader", "start the brokers"),
    "too few in sync": ({}, {"in_sync": 1}, {}, Level.ERROR, "nobody can write", "start the missing brokers"),
    "one not in sync": ({}, {"in_sync": 2}, {}, Level.WARNING, "2 of 3 replicas", "caught up"),
    "one replica": ({}, {"replicas": 1, "in_sync": 1, "min_in_sync": 1}, {},
                    Level.WARNING, "one replica", "kafka-reassign-partitions"),
    "one replica, one broker": ({"brokers": 1}, {"replicas": 1, "in_sync": 1, "min_in_sync": 1}, {},
                                Level.WARNING, "one replica", "three brokers"),
    "one need have it": ({}, {"min_in_sync": 1}, {}, Level.WARNING, "one broker only", "min.insync.replicas to 2"),
    "all must have it": ({}, {"min_in_sync": 3}, {}, Level.WARNING, "one broker away stops agents", "to 2"),
    "nobody reads": ({}, {}, {"members": 0}, Level.ERROR, "no collector is in it; 7 records", "start a collector"),
    "nobody reads yet": ({}, {}, {"members": 0, "lag_records": 0}, Level.WARNING, "no collector", "start a collector"),
    "behind": ({}, {}, {"lag_records": MANY}, Level.WARNING, "2 collectors are 50000 records behind", "/readyz"),
    "removed": ({}, {}, {"dropped_records": 5}, Level.ERROR, "removed 5 records", "retention.ms"),
}  # fmt: skip


def test_where_all_is_well_nothing_else_is_said() -> None:
    findings = judge_kafka(WELL, SETTINGS)
    assert {finding.level for finding in findings} == {Level.FINE}
    assert "at most 12 collectors share" in findings[1].message
    assert "2 collectors, 7 records behind" in findings[2].message


@pytest.mark.parametrize(("facts", "topic", "group", "level", "message", "hint"), CASES.values(), ids=CASES)
def test_the_worst_comes_first_and_says_what_to_do(
    facts: dict[str, Any], topic: dict[str, Any], group: dict[str, Any], *, level: Level, message: str, hint: str
) -> None:
    case = replace(WELL, topics=(replace(EVENTS, **topic),), group=replace(WELL.group, **group), **facts)
    worst = judge_kafka(case, SETTINGS)[0]
    assert (worst.level, message in worst.message, hint in worst.hint) == (level, True, True), worst


def test_a_missing_topic_that_we_may_not_make_is_an_error() -> None:
    missing = replace(WELL, topics=(TopicFacts(name="clew.agents", exists=False),))
    worst = judge_kafka(missing, KafkaLogSettings(create_topics=False))[0]
    assert worst.level is Level.ERROR
    assert "create_topics" in worst.hint
