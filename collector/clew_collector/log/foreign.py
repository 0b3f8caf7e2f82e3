"""What others wrote to Kafka, on its way through the collector: the events in a message, and the message itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clew_collector.event import Event

__all__ = ["ForeignChunk", "Headers"]

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class ForeignChunk:
    """Stands where a chunk of ours would: its lines are events already."""

    events: tuple[Event, ...]
    value: bytes
    """The message, whole: if the store rejects any of the events, this becomes the dead letter."""
    headers: Headers
    """With the one that says where the message stood first (`origin`)."""

    @property
    def count(self) -> int:
        """How many events."""
        return len(self.events)

    def select(self, first: int, last: int) -> ForeignChunk:
        """Return the chunk of the events `first` <= i < `last`."""
        return replace(self, events=self.events[first:last])
