"""Seeing that our topics are there."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from clew_agent.kafka.connection import connection_options
from clew_collector.errors import LogError

from .settings import KafkaLogSettings

__all__ = ["ensure_topics", "missing_topics", "our_topics"]

NO_ERROR, UNKNOWN_TOPIC, ALREADY_EXISTS = 0, 3, 36
# A heartbeat names every file of its agent.
AGENTS_MESSAGE_BYTES_MAX = 8 << 20
# A letter is a record and what is said of it.
LETTER_BYTES_MAX = 128 << 10

_log = structlog.get_logger()


def our_topics(settings: KafkaLogSettings) -> list[NewTopic]:
    """Return our topics as they are made. Events are kept as long as the brokers say."""
    names = settings.address.topics
    return [
        _topic(names.events, settings.partitions, settings),
        _topic(
            names.agents,
            1,
            settings,
            {"cleanup.policy": "compact", "max.message.bytes": str(AGENTS_MESSAGE_BYTES_MAX)},
        ),
        # Letters wait for a person; those that were put back are emptied.
        _topic(
            names.dead_letters,
            1,
            settings,
            {"cleanup.policy": "compact", "max.message.bytes": str(settings.record_bytes_max + LETTER_BYTES_MAX)},
        ),
    ]


def _topic(name: str, partitions: int, settings: KafkaLogSettings, configs: dict[str, str] | None = None) -> NewTopic:
    # The library takes -1, the brokers' default, only beside assignments, of which there are none.
    nowhere: dict[int, list[int]] | None = {} if settings.replication_factor == -1 else None
    return NewTopic(name, partitions, settings.replication_factor, nowhere, configs)


async def missing_topics(admin: AIOKafkaAdminClient, names: Collection[str]) -> set[str]:
    """Return those of the topics that are not there."""
    described = await admin.describe_topics([*names])
    return {topic["topic"] for topic in described if topic["error_code"] == UNKNOWN_TOPIC}


async def ensure_topics(settings: KafkaLogSettings, *, client_id: str) -> None:
    """Make our topics that are missing, if the settings allow; LogError, KafkaError or OSError if that cannot be.

    Topics of others are for them to make: those that are missing are told, and read once they are there.
    """
    admin = AIOKafkaAdminClient(
        **connection_options(settings.address, settings, client_id=client_id),
        request_timeout_ms=int(settings.timeout_s * 1000),
    )
    try:
        await admin.start()
        foreign = [one.topic for one in settings.foreign_topics]
        for name in sorted(await missing_topics(admin, foreign)) if foreign else ():
            _log.error("A topic of others does not exist; it is read once it is there.", topic=name)
        topics = {topic.name: topic for topic in our_topics(settings)}
        missing = await missing_topics(admin, topics)
        if not missing:
            return
        if not settings.create_topics:
            raise LogError(
                f"topics are missing at {settings.server}: {', '.join(sorted(missing))}",
                hint="make them, or let the collector do it: `create_topics: true`",
            )
        answer = await admin.create_topics([topics[name] for name in missing])
        for name, code, message in (topic[:3] for topic in answer.topic_errors):
            if code not in {NO_ERROR, ALREADY_EXISTS}:
                raise LogError(
                    f"the topic {name} could not be made: {for_code(code).__name__}: {message or ''}",
                    hint="make it yourself, or see `replication_factor` and the rights of this user",
                )
            _log.info("A topic was made.", topic=name, partitions=topics[name].num_partitions)
    finally:
        await admin.close()
