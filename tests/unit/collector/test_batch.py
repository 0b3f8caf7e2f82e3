"""Batches are bounded in lines, keep order, and say whether they end with a record."""

from __future__ import annotations

from tests.chunks import numbered

from clew_collector.batch import Batch, cut
from clew_collector.log.protocol import Record

DAY_NS = 86_400 * 10**9


def record(position: int, lines: int, *, appended_ns: int = 0) -> Record:
    return Record(position, appended_ns, numbered(0, lines), bytes=1)


def shape(batches: list[Batch]) -> list[tuple[list[tuple[int, int]], bool]]:
    return [([(p.position, p.chunk.count) for p in batch.pieces], batch.complete) for batch in batches]


class TestCut:
    def test_whole_records_share_a_batch_up_to_the_limit(self) -> None:
        batches = list(cut([record(1, 4), record(2, 6), record(3, 1)], lines_max=10))
        assert shape(batches) == [([(1, 4), (2, 6)], True), ([(3, 1)], True)]

    def test_a_large_record_comes_in_parts_of_which_the_last_is_complete(self) -> None:
        batches = list(cut([record(1, 2), record(2, 25), record(3, 2)], lines_max=10))
        assert shape(batches) == [
            ([(1, 2)], True),
            ([(2, 10)], False),
            ([(2, 10)], False),
            ([(2, 5)], True),
            ([(3, 2)], True),
        ]

    def test_parts_have_every_line_once(self) -> None:
        batches = cut([record(1, 25)], lines_max=10)
        lines = [line for batch in batches for piece in batch.pieces for line in piece.chunk.lines()]
        assert lines == list(numbered(0, 25).lines())

    def test_days_do_not_share_a_batch(self) -> None:
        batches = list(cut([record(1, 1), record(2, 1, appended_ns=DAY_NS)], lines_max=10))
        assert [(batch.position, batch.appended_ns) for batch in batches] == [(1, 0), (2, DAY_NS)]

    def test_nothing_is_nothing(self) -> None:
        assert list(cut([], lines_max=10)) == []
