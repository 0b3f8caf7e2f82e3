"""Judging what is the case in a Kafka. Pure: a table of cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clew_collector.log.kafka.settings import KafkaLogSettings

from .finding import Finding, Level, worst_first

if TYPE_CHECKING:
    from .kafka_facts import GroupFacts, KafkaFacts, TopicFacts

__all__ = ["judge_kafka"]

LAG_RECORDS_MAX = 10_000
"""More than this is told; a record of ours holds up to some thousand lines."""


def judge_kafka(facts: KafkaFacts, settings: KafkaLogSettings) -> list[Finding]:
    """Return what there is to say, the worst first."""
    if facts.unreachable:
        return [Finding(Level.ERROR, "kafka", facts.unreachable, facts.unreachable_hint)]
    findings = [Finding(Level.FINE, "kafka", f"{facts.brokers} brokers answer")]
    for topic in facts.topics:
        findings += _topic(topic, facts, settings)
    findings += _group(facts.group, settings)
    return worst_first(findings)


def _topic(topic: TopicFacts, facts: KafkaFacts, settings: KafkaLogSettings) -> Iterator[Finding]:
    subject = f"topic {topic.name}"
    if not topic.exists:
        yield _missing(topic, settings)
        return
    if topic.leaderless:
        yield Finding(
            Level.ERROR,
            subject,
            f"{topic.leaderless} of its {topic.partitions} partitions have no leader: nobody can write or read them",
            "start the brokers that have them; agents wait meanwhile, nothing is lost",
        )
    elif topic.in_sync < topic.min_in_sync:
        yield Finding(
            Level.ERROR,
            subject,
            f"{topic.in_sync} replicas are in sync, min.insync.replicas is {topic.min_in_sync}: nobody can write",
            "start the missing brokers, or lower its min.insync.replicas; agents wait meanwhile, nothing is lost",
        )
    elif topic.in_sync < topic.replicas:
        yield Finding(
            Level.WARNING,
            subject,
            f"only {topic.in_sync} of {topic.replicas} replicas are in sync",
            "start the missing brokers, or wait until they have caught up",
        )
    if topic.ours:
        yield from _copies(topic, facts.brokers, subject)
    yield Finding(
        Level.FINE, subject, f"{topic.partitions} partitions, {topic.replicas} replicas{_sharing(topic, settings)}"
    )


def _missing(topic: TopicFacts, settings: KafkaLogSettings) -> Finding:
    subject, message = f"topic {topic.name}", "it does not exist"
    if not topic.ours:
        return Finding(
            Level.WARNING, subject, message, "see `foreign_topics`; it is read from when whoever writes it has made it"
        )
    if settings.create_topics:
        return Finding(Level.WARNING, subject, message, "start a collector: it makes it")
    return Finding(Level.ERROR, subject, message, "make it, or let the collector do it: `create_topics: true`")


def _copies(topic: TopicFacts, brokers: int, subject: str) -> Iterator[Finding]:
    if topic.replicas == 1:
        yield Finding(
            Level.WARNING,
            subject,
            "there is one replica: a lost disk is lost lines",
            "give it three (kafka-reassign-partitions.sh), and min.insync.replicas=2"
            if brokers > 1
            else "run three brokers, with three replicas and min.insync.replicas=2",
        )
    elif topic.min_in_sync == 1:
        yield Finding(
            Level.WARNING,
            subject,
            "min.insync.replicas is 1: what was acknowledged may be on one broker only",
            f"set its min.insync.replicas to {topic.replicas - 1}",
        )
    elif topic.min_in_sync >= topic.replicas:
        yield Finding(
            Level.WARNING,
            subject,
            f"min.insync.replicas is {topic.min_in_sync} of {topic.replicas} replicas: one broker away stops agents",
            f"set its min.insync.replicas to {topic.replicas - 1}",
        )


def _sharing(topic: TopicFacts, settings: KafkaLogSettings) -> str:
    if topic.name != settings.address.topics.events:
        return ""
    return f"; at most {topic.partitions} collectors share the work"


def _group(group: GroupFacts, settings: KafkaLogSettings) -> Iterator[Finding]:
    subject = f"group {settings.group}"
    if group.dropped_records:
        yield Finding(
            Level.ERROR,
            subject,
            f"Kafka removed {group.dropped_records} records before they were stored",
            "keep them longer (the topic's retention.ms, retention.bytes), and see why collectors are behind",
        )
    if not group.members:
        level = Level.ERROR if group.lag_records else Level.WARNING
        yield Finding(level, subject, f"no collector is in it; {group.lag_records} records wait", "start a collector")
    elif group.lag_records > LAG_RECORDS_MAX:
        yield Finding(
            Level.WARNING,
            subject,
            f"{group.members} collectors are {group.lag_records} records behind",
            "see their /readyz for what they wait for; more collectors share the work, up to the number of partitions",
        )
    else:
        yield Finding(Level.FINE, subject, f"{group.members} collectors, {group.lag_records} records behind")
