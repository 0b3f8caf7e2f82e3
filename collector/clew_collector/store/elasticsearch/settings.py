"""How to reach Elasticsearch, how much to send at once, how long to keep what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from clew_agent.settings import Settings

__all__ = ["ElasticsearchSettings", "RetentionSettings"]

MIB = 1 << 20


class RetentionSettings(Settings):
    """How long events are kept. Whole days go, the oldest first; unset means for ever."""

    age_days_max: int | None = Field(default=None, ge=1, le=36_500)
    """A day's index goes once the day ended so many days ago."""
    size_bytes_max: int | None = Field(default=None, ge=MIB)
    """What all events may take on the disks, replicas included; the day that is now is never removed for its size."""
    check_interval_s: float = Field(default=300.0, gt=0, le=86_400)
    """How often this is looked after."""


class ElasticsearchSettings(Settings):
    """An Elasticsearch 8.19 or newer (or 9) that keeps the events."""

    hosts: tuple[str, ...] = Field(default=("http://127.0.0.1:9200",), min_length=1)
    """URLs of nodes."""
    index_prefix: str = Field(default="clew", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """What the names of all our indices and templates begin with."""

    # Authentication: an API key, or name and password. Secrets may stand in files.
    api_key: SecretStr | None = None
    """An API key, in its encoded form."""
    api_key_file: Path | None = None
    """A file that holds it."""
    username: str | None = None
    """A user's name, with `password` or `password_file`."""
    password: SecretStr | None = None
    """The user's password."""
    password_file: Path | None = None
    """A file that holds it."""
    ca_certificates: Path | None = None
    """PEM file of the authorities that signed the nodes' certificates; unset: the system's."""

    # Writing.
    bulk_bytes_max: int = Field(default=8 * MIB, ge=64 * 1024, le=64 * MIB)
    """A bulk request is not larger, unless a single event is."""
    bulks_max: int = Field(default=2, ge=1, le=64)
    """Bulk requests at the same time."""
    bulk_timeout_s: float = Field(default=60.0, gt=0, le=600)
    """How long to wait for the answer to a bulk request."""
    retry_wait_s_min: float = Field(default=0.1, gt=0)
    """How long to wait before sending again what Elasticsearch had no room for; then twice as long each time."""
    retry_wait_s_max: float = Field(default=10.0, gt=0)
    """How long to wait at most."""
    attempts_max: int = Field(default=8, ge=1, le=1000)
    """How often an event is sent before the write counts as failed, and is repeated as a whole."""

    # Asking.
    search_timeout_s: float = Field(default=30.0, gt=0, le=600)
    """How long to wait for an answer."""

    # Indices.
    shards_initial: int = Field(default=1, ge=1, le=64)
    """Primary shards that a day begins with."""
    replicas_initial: int = Field(default=1, ge=0, le=8)
    """Copies of each shard that an index begins with."""
    days_max: int = Field(default=400, ge=1, le=10_000)
    """Indices of days; lines whose own time asks for more go where lines without a time go."""
    retention: RetentionSettings = RetentionSettings()
    """How long events are kept."""

    @field_validator("hosts")
    @classmethod
    def _are_urls(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host.startswith(("http://", "https://")):
                raise ValueError(f"{host} is no URL; write https://HOST:9200")
        return hosts

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("give api_key or api_key_file, not both")
        if self.password is not None and self.password_file is not None:
            raise ValueError("give password or password_file, not both")
        has_password = self.password is not None or self.password_file is not None
        if (self.username is not None) != has_password:
            raise ValueError("username and a password (password or password_file) belong together")
        if has_password and (self.api_key is not None or self.api_key_file is not None):
            raise ValueError("give an API key or a user's name and password, not both")
        if self.ca_certificates is not None and (plain := [host for host in self.hosts if host.startswith("http://")]):
            raise ValueError(f"ca_certificates is for https://, {plain[0]} is not")
        if self.retry_wait_s_max < self.retry_wait_s_min:
            raise ValueError("retry_wait_s_max must not be below retry_wait_s_min")
        return self
