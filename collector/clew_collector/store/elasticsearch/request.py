"""Bulk requests: which items go together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["BulkItem", "body", "cut"]


@dataclass(slots=True)
class BulkItem:
    """An event on its way: where it goes, and its document as one line of JSON."""

    index: str
    event_id: str
    document: bytes

    @property
    def size(self) -> int:
        """How many bytes of a request it takes."""
        return len(self.document) + len(self.index) + len(self.event_id) + ACTION_BYTES


ACTION_BYTES = 40


def body(items: Sequence[BulkItem]) -> bytes:
    """Return the request's body: for each item `create`, which leaves alone what is there, and its document."""
    parts = []
    for item in items:
        parts.append(f'{{"create":{{"_index":"{item.index}","_id":"{item.event_id}"}}}}\n'.encode())
        parts.append(item.document)
        parts.append(b"\n")
    return b"".join(parts)


def cut(items: Sequence[BulkItem], *, bytes_max: int) -> Iterator[Sequence[BulkItem]]:
    """Yield the items in order, in requests of at most so many bytes; one that is larger goes alone."""
    first, size = 0, 0
    for number, item in enumerate(items):
        if number > first and size + item.size > bytes_max:
            yield items[first:number]
            first, size = number, 0
        size += item.size
    if first < len(items):
        yield items[first:]
