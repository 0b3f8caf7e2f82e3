"""What a collector must know of Kafka: where, who it is, which topics, how much at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.settings import Settings

__all__ = ["ForeignTopic", "KafkaLogSettings"]

MIB = 1 << 20


class ForeignTopic(Settings):
    """A topic that others write."""

    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    """Its name. It is read as it is, and never made."""
    form: Literal["otlp_logs", "otlp_traces", "json", "text"] | None = None
    """What its messages are, where no header `clew-form` says it."""


class KafkaLogSettings(KafkaSettings):
    """The log in Kafka. All collectors of a `group` share the partitions among them."""

    server: str = "kafka://127.0.0.1:9092"
    """`kafka://HOST:PORT[,HOST:PORT]...[/PREFIX]`, as agents have it."""
    group: str = Field(default="clew-collectors", min_length=1, max_length=200)
    """The consumer group, under whose name Kafka keeps how far the store is."""
    member: str = Field(default="", max_length=200)
    """This collector's lasting name in the group: restarted within `session_timeout_s`, it gets its partitions back and
    the others are not disturbed. Empty for none; no two collectors may share one."""
    session_timeout_s: float = Field(default=10.0, ge=1, le=300)
    """A collector not heard of for so long loses its partitions to the others."""
    hand_over_s_max: float = Field(default=5.0, ge=0, le=300)
    """How long a collector that is to give partitions to others finishes what it has of them. What is then left is read
    again by whoever gets them."""

    foreign_topics: tuple[ForeignTopic, ...] = ()
    """Topics that others write: the OpenTelemetry Collector, Filebeat, Fluent Bit, Vector, any program."""

    create_topics: bool = True
    """Make the topics that are not there."""
    partitions: int = Field(default=12, ge=1, le=10_000)
    """Of the topic of events, if it is made: how many collectors can share the work at most."""
    replication_factor: int = Field(default=-1, ge=-1, le=32)
    """Of topics that are made; -1 for the brokers' own default."""

    fetch_bytes_max: int = Field(default=4 * MIB, ge=64 * 1024)
    """What is fetched from a broker ahead of need, compressed as it is."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """How long brokers may take to answer."""

    @field_validator("server")
    @classmethod
    def _is_kafka(cls, server: str) -> str:
        KafkaAddress.parse(server)
        return server

    @model_validator(mode="after")
    def _topics_differ(self) -> Self:
        names = [foreign.topic for foreign in self.foreign_topics]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"foreign_topics names {', '.join(twice)} twice")
        ours = self.address.topics
        if own := sorted({ours.events, ours.agents, ours.dead_letters} & {*names}):
            raise ValueError(f"foreign_topics names {', '.join(own)}, which is Clew's own")
        return self

    @property
    def address(self) -> KafkaAddress:
        """Where it is."""
        return KafkaAddress.parse(self.server)

    @property
    def topics_read(self) -> list[str]:
        """Ours of events, and those of others."""
        return [self.address.topics.events, *(foreign.topic for foreign in self.foreign_topics)]
