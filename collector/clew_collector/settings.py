"""The collector's settings: where it keeps its data, where it listens, and its limits, each with its unit."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from clew_agent.settings import Settings

from .log.kafka.settings import KafkaLogSettings
from .store.opening import StoreSettings

__all__ = ["CollectorSettings", "LogSettings"]

MIB = 1 << 20


class LogSettings(Settings):
    """Where chunks are durable before they are stored: in the data directory, unless a cluster is named."""

    kafka: KafkaLogSettings | None = None
    """Kafka, for several collectors; agents may write to it themselves."""


class CollectorSettings(Settings):
    """What `clew collector run --config FILE` reads."""

    data: Path = Path("clew-data")
    """The data directory. One process at a time may write it."""
    listen: str = "127.0.0.1:8900"
    """HOST:PORT; port 0 takes a free one."""

    log: LogSettings = LogSettings()
    """The log."""
    store: StoreSettings = StoreSettings()
    """Where events are kept."""

    # Ingest.
    body_bytes_max: int = Field(default=32 * MIB, ge=1024)
    """A request with a larger body gets 413."""
    decoded_bytes_max: int = Field(default=64 * MIB, ge=1024)
    """A request whose chunks need more than this once decompressed gets 413."""
    in_flight_bytes_max: int = Field(default=256 * MIB, ge=1024)
    """Bodies and decompressed chunks of all requests together; above that, 429."""
    lag_bytes_max: int = Field(default=1024 * MIB, ge=1024)
    """Log bytes that are not in the store yet; above that, 429."""
    retry_after_s: int = Field(default=1, ge=1, le=3600)
    """What `Retry-After` tells the sender with 429 and 503."""
    log_bytes_max: int | None = Field(default=None, ge=64 * 1024)
    """What the log may take on disk, all days together; when it is full, 503. Unset: the disk is the limit."""

    # From the log to the store.
    batch_bytes_max: int = Field(default=4 * MIB, ge=1024)
    """What is read from the log at once."""
    batch_lines_max: int = Field(default=10_000, ge=1)
    """What is given to the store at once."""
    flush_interval_s: float = Field(default=0.3, gt=0, le=60)
    """How often the store is flushed, at most, when it keeps up with the log."""
    flush_interval_busy_s: float = Field(default=3.0, gt=0, le=600)
    """The same while it is behind: fewer, larger flushes."""
    busy_lag_bytes: int = Field(default=1 * MIB, ge=0)
    """Log bytes not yet in the store from which on it counts as behind."""
    flush_events_max: int = Field(default=100_000, ge=1)
    """Events after which it is flushed in any case."""
    flush_bytes_max: int = Field(default=256 * MIB, ge=1024)
    """Bytes of lines after which it is flushed in any case."""
    dead_letters_share_max: float = Field(default=0.1, ge=0, le=1)
    """If more of the recent events could not be stored, collecting stops: the fault is rather not the lines'."""
    retry_wait_s_min: float = Field(default=0.1, gt=0)
    """How long to wait after the store failed, the first time; each further time twice as long."""
    retry_wait_s_max: float = Field(default=10.0, gt=0)
    """How long to wait at most."""

    # What is kept for others.
    tail_events_max: int = Field(default=10_000, ge=1)
    """Events that wait for the reader of one live tail; older ones are dropped, and it is told how many."""
    tails_max: int = Field(default=100, ge=1)
    """Live tails at the same time."""
    agents_max: int = Field(default=10_000, ge=1)
    """Agents whose last heartbeat is kept; the one not heard of for longest makes place."""
    ledger_files_max: int = Field(default=1_000_000, ge=1)
    """Files whose account is kept, for the audit. Above that, a heartbeat with new files gets 503."""

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        if self.in_flight_bytes_max < self.body_bytes_max + self.decoded_bytes_max:
            raise ValueError(
                "in_flight_bytes_max must hold one request: at least body_bytes_max + decoded_bytes_max "
                f"({self.body_bytes_max + self.decoded_bytes_max})"
            )
        if self.log.kafka is not None and self.store.elasticsearch is None:
            raise ValueError(
                "log.kafka needs store.elasticsearch: a store in the data directory knows what it has by positions in "
                "a log of its own"
            )
        if self.retry_wait_s_max < self.retry_wait_s_min:
            raise ValueError("retry_wait_s_max must not be below retry_wait_s_min")
        return self
