from clew_agent.wire import FileLedger, Heartbeat
from clew_query.alerts.watermark import IngestWatermark, delayed_clock, reported_until

SECOND = 1_000_000_000


def beat(agent: str, sent_s: int, *, seen: int = 100, acknowledged: int = 100) -> Heartbeat:
    ledger = FileLedger(file_id="f", path="/f", host="h", service="s", seen=seen, acknowledged=acknowledged)
    return Heartbeat(agent_id=agent, host="h", version="1", sent_ns=sent_s * SECOND, started_ns=0, files=(ledger,))


class Ingest:
    """What a watermark looks at, to be moved by a test."""

    def __init__(self, lag_max_s: float = 30) -> None:
        self.beats: list[Heartbeat] = []
        self.end, self.stored, self.now_s = 1, 1, 100
        self.watermark = IngestWatermark(
            beats=self._beats,
            log_end=self._log_end,
            store_position=self._store_position,
            clock=lambda: self.now_s * SECOND,
            lag_max_s=lag_max_s,
        )

    async def reached_s(self) -> float | None:
        reached = await self.watermark()
        return None if reached is None else reached / SECOND

    async def _beats(self) -> list[Heartbeat]:
        return self.beats

    async def _log_end(self) -> int:
        return self.end

    async def _store_position(self) -> int:
        return self.stored


def test_a_report_counts_when_all_its_files_are_acknowledged() -> None:
    assert reported_until(beat("a", 5)) == 5 * SECOND
    assert reported_until(beat("a", 5, acknowledged=99)) is None


async def test_it_is_the_time_of_the_oldest_agents_report() -> None:
    ingest = Ingest()
    ingest.beats = [beat("a", 98), beat("b", 95)]

    assert await ingest.reached_s() == 95


async def test_what_is_in_the_log_but_not_in_the_store_does_not_count() -> None:
    ingest = Ingest()
    ingest.beats, ingest.end, ingest.stored = [beat("a", 98)], 7, 6
    assert await ingest.reached_s() == 70  # only the limit

    ingest.stored = 7
    assert await ingest.reached_s() == 98


async def test_a_stream_that_never_rests_still_moves_it() -> None:
    ingest = Ingest()
    for step in range(10):
        ingest.beats, ingest.now_s, ingest.end = [beat("a", 99 + step)], 100 + step, 10 * step + 10
        ingest.stored = ingest.end - 15
        reached = await ingest.reached_s()

    assert reached == 106  # the report whose end of log (80) the store has passed (85)


async def test_an_agent_that_is_behind_holds_it_back_but_not_for_ever() -> None:
    ingest = Ingest(lag_max_s=30)
    ingest.beats = [beat("a", 99), beat("b", 95)]
    assert await ingest.reached_s() == 95

    ingest.now_s, ingest.beats = 110, [beat("a", 109), beat("b", 109, acknowledged=1)]
    assert await ingest.reached_s() == 95

    ingest.now_s, ingest.beats = 140, [beat("a", 139), beat("b", 139, acknowledged=1)]
    assert await ingest.reached_s() == 110


async def test_an_agent_that_fell_silent_is_not_waited_for() -> None:
    ingest = Ingest()
    ingest.now_s, ingest.beats = 1000, [beat("gone", 870), beat("a", 999)]

    assert await ingest.reached_s() == 999


async def test_it_is_unknown_while_there_is_no_log_and_never_ahead_of_the_clock() -> None:
    ingest = Ingest()
    ingest.end = 0
    assert await ingest.reached_s() is None

    ingest.end, ingest.beats = 1, [beat("a", 500)]
    assert await ingest.reached_s() == 100


async def test_the_simplest_one_is_the_clock_less_a_delay() -> None:
    assert await delayed_clock(lambda: 10 * SECOND, 2.5)() == 7.5 * SECOND
