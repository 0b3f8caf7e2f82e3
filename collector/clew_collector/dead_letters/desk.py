"""Where the consumer hands in what it gives up: counted, limited in share, kept before anything is committed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from clew_agent.metrics import Metrics
from clew_collector.batch import Piece
from clew_collector.errors import StoreError
from clew_collector.log.foreign import ForeignChunk, Headers
from clew_collector.log.protocol import LOCAL_TOPIC, Place
from clew_collector.store.protocol import Item, Verdict

from .letter import DeadLetter, of_event, of_record
from .protocol import DeadLetters
from .share import ShareLimit

__all__ = ["Desk"]

UNKNOWN_REASON = "the store has no place for it"
_log = structlog.get_logger()


class Desk:
    """Buries letters. For one event loop."""

    def __init__(
        self,
        letters: DeadLetters,
        limit: ShareLimit,
        metrics: Metrics,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._letters = letters
        self._limit = limit
        self._metrics = metrics
        self._now_ns = now_ns

    async def settle(
        self, items: Sequence[Item], pieces: Sequence[Piece], verdicts: Sequence[Verdict], reasons: Mapping[str, str]
    ) -> None:
        """Keep the lines of the rejected items; `pieces` hold the lines of all items, in the same order.

        Of what others wrote the message is kept, once however many of its events are rejected.

        StoreError when too many are rejected: then none is kept, for the fault is rather ours. LogError when they
        cannot be kept.
        """
        rejected = [n for n, verdict in enumerate(verdicts) if verdict is Verdict.REJECTED]
        self._admit(len(items), len(rejected), reasons)
        if rejected:
            letters = [self._letter(items[n], *_line(pieces, n), reasons) for n in rejected]
            await self._bury([*{letter.id: letter for letter in letters}.values()])

    async def record(self, place: Place, value: bytes, headers: Headers, reason: str) -> None:
        """Keep a record that cannot be read. StoreError and LogError as `settle`."""
        self._admit(1, 1, {"": reason})
        await self._bury([of_record(place, value, headers, reason=reason, now_ns=self._now_ns())])

    def _admit(self, events: int, rejected: int, reasons: Mapping[str, str]) -> None:
        if not self._limit.admits(events, rejected):
            reason = next(iter(reasons.values()), UNKNOWN_REASON)
            raise StoreError(
                f"{rejected} of {events} would become dead letters, too many to be the lines' own fault: {reason}",
                hint="mend what the reason says, or raise `dead_letters_share_max`; nothing was given up",
            )

    def _letter(self, item: Item, piece: Piece, line: int, reasons: Mapping[str, str]) -> DeadLetter:
        place = piece.place or Place(LOCAL_TOPIC, 0, piece.position)
        reason, now_ns = reasons.get(item.event.event_id, UNKNOWN_REASON), self._now_ns()
        chunk = piece.chunk
        if isinstance(chunk, ForeignChunk):
            return of_record(place, chunk.value, chunk.headers, reason=reason, now_ns=now_ns)
        return of_event(item.event, chunk.select(line, line + 1), place, reason=reason, now_ns=now_ns)

    async def _bury(self, letters: list[DeadLetter]) -> None:
        await self._letters.bury(letters)
        for content, count in Counter(letter.content for letter in letters).items():
            self._metrics.count("clew_consumer_dead_letters", count, content=content.value)
        _log.warning("Dead letters were kept.", letters=len(letters), first=letters[0].id, reason=letters[0].reason)


def _line(pieces: Sequence[Piece], number: int) -> tuple[Piece, int]:
    """Return the piece that holds the item of this number, and which of its lines it is."""
    for piece in pieces:
        if number < piece.chunk.count:
            return piece, number
        number -= piece.chunk.count
    raise IndexError(number)
