"""Our topics, and how a record says what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FORMAT_HEADER", "PREFIX", "Format", "Topics"]

PREFIX = "clew"

FORMAT_HEADER = "clew-format"
"""The header whose value, a `Format`, says what a record's value is, and in which version."""


class Format(StrEnum):
    """What a record of ours holds."""

    CHUNK = "chunk/1"
    """`encode_chunk`: a chunk as it goes over HTTP, compressed already."""
    HEARTBEAT = "heartbeat/1"
    """A zstd frame of the msgpack of `Heartbeat`; the key is the agent's id."""
    DEAD_LETTER = "dead-letter/1"
    """The msgpack of the collector's `DeadLetter`."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of our topics."""

    prefix: str = PREFIX

    @property
    def events(self) -> str:
        """Chunks of lines; all lines of one transaction are in one partition."""
        return f"{self.prefix}.events"

    @property
    def agents(self) -> str:
        """The agents' heartbeats, of which the last one each is kept."""
        return f"{self.prefix}.agents"

    @property
    def dead_letters(self) -> str:
        """What could not be stored, with the reason."""
        return f"{self.prefix}.dead-letters"
