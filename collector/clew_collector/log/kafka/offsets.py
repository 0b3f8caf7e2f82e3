"""Which log positions are which offsets: what may be committed, and from where to read again. Pure.

The consumer knows one rising position. Here each record of whatever partition gets the next one when it is read, in
this process only; after a rewind the same record gets a new one, for positions are never reused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from aiokafka import TopicPartition

__all__ = ["Offsets"]


@dataclass(frozen=True, slots=True)
class _Entry:
    position: int
    partition: TopicPartition
    offset: int


class Offsets:
    """The records that were read and are not yet known to be in the store, in order of reading."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        """The last one given out."""
        self._entries: deque[_Entry] = deque()
        self._uncommitted: dict[TopicPartition, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, partition: TopicPartition, offset: int) -> int:
        """Give a record that was read its position."""
        self.position += 1
        self._entries.append(_Entry(self.position, partition, offset))
        return self.position

    def pass_over(self, partition: TopicPartition, offset: int) -> None:
        """Note a record that the store has nothing to do with: it may be committed with what was read before it."""
        self._entries.append(_Entry(self.position, partition, offset))

    def has_stored(self, position: int) -> bool:
        """Return whether there is something that `stored` would now return for the first time."""
        return bool(self._entries) and self._entries[0].position <= position

    def holds(self, partitions: Collection[TopicPartition]) -> bool:
        """Return whether anything of these partitions is read and not yet stored, or stored and not yet committed."""
        return any(partition in self._uncommitted for partition in partitions) or any(
            entry.partition in partitions for entry in self._entries
        )

    def stored(self, position: int) -> dict[TopicPartition, int]:
        """Note that the store has everything up to a position; return what to commit: the next offset by partition.

        What was returned before and not `committed` is returned again.
        """
        while self._entries and self._entries[0].position <= position:
            entry = self._entries.popleft()
            self._uncommitted[entry.partition] = entry.offset + 1
        return dict(self._uncommitted)

    def committed(self, offsets: dict[TopicPartition, int]) -> None:
        """Note that Kafka has these."""
        for partition, offset in offsets.items():
            if self._uncommitted.get(partition) == offset:
                del self._uncommitted[partition]

    def rewind(self, after: int) -> dict[TopicPartition, int]:
        """Forget what was read behind a position; return from where each partition is to be read again."""
        first: dict[TopicPartition, int] = {}
        while self._entries and self._entries[-1].position > after:
            entry = self._entries.pop()
            first[entry.partition] = entry.offset
        return first

    def revoke(self, partitions: Collection[TopicPartition]) -> None:
        """Forget partitions that somebody else reads from now on, from what was committed."""
        self._entries = deque(entry for entry in self._entries if entry.partition not in partitions)
        for partition in partitions:
            self._uncommitted.pop(partition, None)
