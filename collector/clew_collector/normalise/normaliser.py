"""From a chunk of raw lines to events."""

from __future__ import annotations

from clew_agent.wire import Chunk, Origin, event_id
from clew_collector.event import Event

__all__ = ["Normaliser"]


class Normaliser:
    """Turns chunks into events: one event a line, whatever the bytes, and the same events for the same chunk."""

    def events(self, chunk: Chunk) -> list[Event]:
        """Return the chunk's events in file order, exactly one per line; never raises."""
        source = chunk.source
        return [
            Event(
                event_id=event_id(source.file_id, line.offset),
                observed_timestamp=chunk.observed_ns,
                service=source.service,
                instance=source.instance,
                host=source.host,
                source=source.path,
                offset=line.offset,
                length=line.length,
                transaction_id=line.transaction_id,
                transaction_origin=Origin(line.origin).name.lower(),
                aliases=line.aliases,
                body=line.raw.decode("utf-8", "replace"),
                original=line.raw,
            )
            for line in chunk.lines()
        ]
