"""What the audit calls missing and doubled."""

from __future__ import annotations

import pytest

from clew_agent.wire import FileLedger, GivenUp
from clew_collector.audit import audit
from clew_collector.log.protocol import FileCoverage
from clew_collector.store.protocol import StoredFile

FILE = "aa" * 10


def ledger(acknowledged: int, *, first: int = 0, given_up: tuple[GivenUp, ...] = ()) -> FileLedger:
    return FileLedger(
        file_id=FILE, path="/a.log", host="h", service="s", first=first, acknowledged=acknowledged, given_up=given_up
    )


def covered(*runs: tuple[int, int]) -> list[FileCoverage]:
    return [FileCoverage(FILE, start, end) for start, end in runs]


def stored(size: int) -> list[StoredFile]:
    return [StoredFile(FILE, "/a.log", "h", "s", events=1, bytes=size, start=0, end=size)]


class TestAudit:
    @pytest.mark.parametrize(
        ("book", "runs", "size", "missing", "doubled"),
        [
            pytest.param(ledger(100), [(0, 100)], 100, 0, 0, id="all is there"),
            pytest.param(ledger(100), [(0, 100)], 70, 30, 0, id="the store lacks some"),
            pytest.param(ledger(100), [(0, 80)], 80, 20, 0, id="acknowledged, but not in the log"),
            pytest.param(ledger(100), [(0, 80)], 70, 30, 0, id="both lack some"),
            pytest.param(ledger(100), [(0, 40), (60, 100)], 80, 20, 0, id="a hole in the log"),
            pytest.param(ledger(100), [], 0, 100, 0, id="nothing arrived"),
            pytest.param(ledger(50), [(0, 100)], 100, 0, 0, id="not acknowledged yet is not missing"),
            pytest.param(ledger(100), [(0, 100)], 130, 0, 30, id="some is there twice"),
            pytest.param(ledger(100, first=40), [(40, 100)], 60, 0, 0, id="skipped at the start is not missing"),
            pytest.param(
                ledger(100, given_up=(GivenUp(10, 30, "refused"),)),
                [(0, 10), (30, 100)],
                80,
                0,
                0,
                id="given up is told",
            ),
            pytest.param(
                ledger(50, given_up=(GivenUp(50, 90, "deleted"),)), [(0, 50)], 50, 0, 0, id="given up behind the end"
            ),
        ],
    )
    def test_judges_a_file(
        self, book: FileLedger, runs: list[tuple[int, int]], size: int, missing: int, doubled: int
    ) -> None:
        result = audit({FILE: book}, covered(*runs), stored(size))
        (file,) = result.files
        assert (file.missing, file.doubled) == (missing, doubled)
        assert result.clean == (not missing and not doubled)

    def test_a_file_that_no_agent_spoke_of_is_held_to_the_log(self) -> None:
        (file,) = audit({}, covered((0, 100)), stored(90)).files
        assert (file.path, file.acknowledged, file.missing) == ("/a.log", 0, 10)

    def test_a_file_that_only_an_agent_knows_is_missing_whole(self) -> None:
        (file,) = audit({FILE: ledger(10)}, [], []).files
        assert (file.path, file.host, file.service, file.missing) == ("/a.log", "h", "s", 10)

    def test_what_arrived_while_looking_is_neither_missing_nor_doubled(self) -> None:
        result = audit({FILE: ledger(100)}, covered((0, 100)), stored(140), later=covered((0, 150)))
        assert result.clean

    def test_given_up_bytes_are_counted_once(self) -> None:
        lost = (GivenUp(10, 20, "deleted"), GivenUp(15, 30, "deleted"))
        (file,) = audit({FILE: ledger(10, given_up=lost)}, covered((0, 10)), stored(10)).files
        assert file.given_up == 20
