"""Events of lines without any rules: what collector tests need of a normaliser."""

from __future__ import annotations

from clew_agent.wire import Chunk, Origin, event_id
from clew_collector.event import Event

__all__ = ["PlainNormaliser"]


class PlainNormaliser:
    """The body is the line."""

    def events(self, chunk: Chunk) -> list[Event]:
        source = chunk.source
        return [
            Event(
                event_id=event_id(source.file_id, line.offset),
                observed_timestamp=chunk.observed_ns,
                service=source.service,
                host=source.host,
                source=source.path,
                offset=line.offset,
                length=line.length,
                transaction_id=line.transaction_id,
                transaction_origin=Origin(line.origin).label,
                body=line.raw.decode(errors="replace"),
                original=line.raw,
            )
            for line in chunk.lines()
        ]
