"""How far a clock is off, from exchanges of four times; and since when files are behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clew_agent.behind import LOOKS_MAX, Behind
from clew_agent.clock import EXCHANGES_KEPT, ClockFilter, TimeExchange, aged_uncertainty_ns, offset_of
from clew_agent.wire import ClockOffset, FileLedger

MS = 1_000_000
NOW = 1_795_478_400_000_000_000


def exchange(at: int, *, ahead: int, out: int, there: int, back: int) -> TimeExchange:
    """An exchange that begins at a true time; the agent's clock is `ahead`, the receiver's is right."""
    return TimeExchange(at + ahead, at + out, at + out + there, at + out + there + back + ahead)


class TestOffset:
    @given(
        ahead=st.integers(-(10**15), 10**15),
        out=st.integers(0, 10**10), there=st.integers(0, 10**10), back=st.integers(0, 10**10),
    )  # fmt: skip
    def test_lies_within_its_uncertainty_however_slow_the_way(
        self, ahead: int, out: int, there: int, back: int
    ) -> None:
        offset = offset_of(exchange(NOW, ahead=ahead, out=out, there=there, back=back))
        assert offset is not None
        assert abs(offset.offset_ns - ahead) <= offset.uncertainty_ns <= (out + back) // 2 + 1

    def test_of_an_even_way_is_exact(self) -> None:
        offset = offset_of(exchange(NOW, ahead=40 * MS, out=MS, there=5 * MS, back=MS))
        assert offset == ClockOffset(offset_ns=40 * MS, uncertainty_ns=MS + 1, measured_ns=NOW + 7 * MS + 40 * MS)

    def test_is_none_where_a_clock_was_set_in_between(self) -> None:
        assert offset_of(TimeExchange(10, 5, 4, 20)) is None
        assert offset_of(TimeExchange(10, 5, 9, 11)) is None


class TestFilter:
    def test_trusts_the_quickest_exchange(self) -> None:
        clock = ClockFilter()
        for way in (9, 1, 7):
            clock.add(exchange(NOW, ahead=MS, out=way * MS, there=0, back=0))
        best = clock.best(NOW)
        assert best is not None
        assert best.uncertainty_ns == MS // 2 + 1

    def test_prefers_a_new_one_once_the_best_is_old(self) -> None:
        clock = ClockFilter()
        clock.add(exchange(NOW, ahead=0, out=MS, there=0, back=MS))
        later = NOW + 3600 * 10**9
        clock.add(exchange(later, ahead=0, out=2 * MS, there=0, back=2 * MS))
        best = clock.best(later)
        assert best is not None
        assert best.measured_ns > later

    def test_begins_anew_when_the_clock_was_set(self) -> None:
        clock = ClockFilter()
        clock.add(exchange(NOW, ahead=0, out=0, there=0, back=0))
        clock.add(exchange(NOW + MS, ahead=500 * MS, out=3 * MS, there=0, back=3 * MS))
        best = clock.best(NOW)
        assert best is not None
        assert best.offset_ns == 500 * MS

    def test_keeps_few_and_has_none_before_the_first(self) -> None:
        clock = ClockFilter()
        assert clock.best(NOW) is None
        clock.add(None)
        assert clock.best(NOW) is None
        clock.add(exchange(NOW, ahead=0, out=0, there=0, back=0))
        for _ in range(EXCHANGES_KEPT):
            clock.add(exchange(NOW, ahead=0, out=MS, there=0, back=MS))
        best = clock.best(NOW)
        assert best is not None
        assert best.uncertainty_ns == MS + 1

    def test_is_less_certain_of_other_times(self) -> None:
        offset = ClockOffset(offset_ns=0, uncertainty_ns=5, measured_ns=NOW)
        assert aged_uncertainty_ns(offset, NOW - 10**9) == aged_uncertainty_ns(offset, NOW + 10**9) == 5 + 15_000


def ledger(seen: int, acknowledged: int, *, gone: bool = False) -> FileLedger:
    return FileLedger(file_id="f", path="/a", host="h", service="s", seen=seen, acknowledged=acknowledged, gone=gone)


class TestBehind:
    def since(self, behind: Behind, file: FileLedger, now: int) -> int:
        (told,) = behind.tell([file], now)
        return told.behind_since_ns

    def test_counts_from_when_the_missing_bytes_were_first_seen(self) -> None:
        behind = Behind()
        assert self.since(behind, ledger(10, 10), 100) == 0
        assert self.since(behind, ledger(20, 10), 200) == 200
        assert self.since(behind, ledger(30, 10), 300) == 200
        assert self.since(behind, ledger(40, 20), 400) == 300
        assert self.since(behind, ledger(40, 40), 500) == 0
        assert self.since(behind, ledger(41, 40), 600) == 600

    def test_a_busy_file_that_is_kept_up_with_is_not_long_behind(self) -> None:
        behind = Behind()
        assert [self.since(behind, ledger(10 * i + 5, 10 * i), i) for i in range(1, 200)] == list(range(1, 200))

    def test_of_a_long_outage_remembers_the_beginning_and_little_more(self) -> None:
        behind = Behind()
        assert {self.since(behind, ledger(i, 0), i) for i in range(1, 1000)} == {1}
        assert len(behind._looks["f"]) <= LOOKS_MAX

    def test_a_file_that_is_gone_waits_for_nothing(self) -> None:
        behind = Behind()
        assert self.since(behind, ledger(20, 10, gone=True), 1) == 0
        behind.tell([], 2)
        assert behind._looks == {}
