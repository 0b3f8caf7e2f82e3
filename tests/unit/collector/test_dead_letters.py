"""Giving up: what a letter holds, and when so much is rejected that it is rather our own mistake."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.chunks import FILE_B, chunk_of, numbered
from tests.plain_normaliser import PlainNormaliser
from tests.recorded import RecordedMetrics

from clew_agent.wire import decode_chunk
from clew_collector.batch import Piece
from clew_collector.dead_letters import Content, Desk, MemoryDeadLetters, ShareLimit
from clew_collector.errors import StoreError
from clew_collector.log.foreign import ForeignChunk
from clew_collector.log.protocol import Place
from clew_collector.store.protocol import Item, Verdict


def items_of(pieces: Sequence[Piece]) -> list[Item]:
    return [Item(p.position, event) for p in pieces for event in PlainNormaliser().events(p.chunk)]


def verdicts(text: str) -> list[Verdict]:
    letters = {"c": Verdict.CREATED, "d": Verdict.DUPLICATE, "r": Verdict.REJECTED}
    return [letters[letter] for letter in text]


class Office:
    def __init__(self, share_max: float = 0.5) -> None:
        self.letters = MemoryDeadLetters()
        self.metrics = RecordedMetrics()
        self.desk = Desk(self.letters, ShareLimit(share_max, free=0), self.metrics, now_ns=lambda: 9)


class TestDesk:
    PIECES = (
        Piece(4, numbered(0, 2), Place("t", 1, 40)),
        Piece(5, chunk_of([b"one\n", b"two\r\n", b"three\n"], start=100, file=FILE_B)),
    )

    async def test_a_letter_holds_the_line_its_place_and_the_reason(self) -> None:
        office = Office()
        items = items_of(self.PIECES)
        await office.desk.settle(items, self.PIECES, verdicts("crccr"), {items[1].event.event_id: "no number"})
        first, second = await office.letters.letters()
        assert (first.id, first.content, first.reason) == (items[1].event.event_id, Content.LINE, "no number")
        assert (first.topic, first.partition, first.offset, first.buried_ns, first.count) == ("t", 1, 40, 9, 1)
        assert decode_chunk(first.payload) == numbered(1, 2)
        assert (second.topic, second.partition, second.offset) == ("log", 0, 5)
        assert [line.raw for line in decode_chunk(second.payload).lines()] == [b"three"]
        assert (second.service, second.source) == ("orders", self.PIECES[1].chunk.source.path)
        assert office.metrics.counts["clew_consumer_dead_letters", (("content", "line"),)] == 2

    async def test_of_what_others_wrote_the_message_is_kept_once(self) -> None:
        office = Office()
        events = tuple(PlainNormaliser().events(numbered(0, 4)))
        headers = (("clew-origin", b"logs/3/7/1"),)
        pieces = (Piece(4, ForeignChunk(events, b"{}", headers), Place("logs", 3, 7)),)
        items = [Item(4, event) for event in events]
        await office.desk.settle(items, pieces, verdicts("crrc"), {event.event_id: "no number" for event in events})
        [letter] = await office.letters.letters()
        assert (letter.id, letter.content, letter.payload) == ("logs/3/7", Content.RECORD, b"{}")
        assert (letter.headers, letter.reason, letter.count) == (headers, "no number", 1)
        assert office.metrics.counts["clew_consumer_dead_letters", (("content", "record"),)] == 1

    async def test_created_and_known_events_make_no_letters(self) -> None:
        office = Office()
        await office.desk.settle(items_of(self.PIECES), self.PIECES, verdicts("cdcdc"), {})
        assert await office.letters.letters() == []

    async def test_a_record_is_kept_as_it_is(self) -> None:
        office = Office(share_max=1)
        await office.desk.record(Place("t", 2, 30), b"\x00garbage", (("h", b"v"),), "not a chunk")
        [letter] = await office.letters.letters()
        assert (letter.id, letter.content, letter.payload) == ("t/2/30", Content.RECORD, b"\x00garbage")
        assert (letter.headers, letter.reason) == ((("h", b"v"),), "not a chunk")

    async def test_too_many_are_not_given_up_at_all(self) -> None:
        office = Office(share_max=0.2)
        with pytest.raises(StoreError, match="too many") as raised:
            await office.desk.settle(items_of(self.PIECES), self.PIECES, verdicts("rrccc"), {"x": "wrong mapping"})
        assert "wrong mapping" in raised.value.message
        assert "dead_letters_share_max" in raised.value.hint
        assert await office.letters.letters() == []


class TestShare:
    def test_the_first_few_are_free(self) -> None:
        limit = ShareLimit(0.01, free=5)
        assert all(limit.admits(1, 1) for _ in range(5))
        assert not limit.admits(1, 1)

    def test_above_the_share_none_is_admitted_until_good_ones_came(self) -> None:
        limit = ShareLimit(0.1, free=0)
        assert limit.admits(90, 9)
        assert not limit.admits(10, 2)
        assert limit.admits(100, 0)
        assert limit.admits(10, 2)

    def test_what_is_long_past_does_not_count(self) -> None:
        limit = ShareLimit(0.1, events=100, free=0)
        assert limit.admits(1000, 0)
        assert limit.admits(100, 10)
        assert not limit.admits(10, 3)
        assert limit.share == pytest.approx(0.1)

    def test_what_is_not_admitted_does_not_count(self) -> None:
        limit = ShareLimit(0.5, free=0)
        for _ in range(10):
            assert not limit.admits(2, 2)
        assert limit.admits(2, 1)
