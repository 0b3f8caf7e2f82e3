"""Times: exact to the nanosecond, in UTC, and none where no calendar has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.unit.normalise.lines import OBSERVED_NS, ns

from clew_collector.event import Event
from clew_collector.normalise.clocks import CLOCKS, Clock
from clew_collector.normalise.timestamps import epoch_number_ns, utc_ns

Read = Callable[..., Event]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05"),
        ("2024-01-02T03:04:05.000000001Z", "2024-01-02 03:04:05.000000001"),
        ("2024-01-02T03:04:05.123456789123Z", "2024-01-02 03:04:05.123456789"),
        ("2024-01-02 03:04:05,5", "2024-01-02 03:04:05.5"),
        ("2024-01-02 03:04:05.5+05:30", "2024-01-01 21:34:05.5"),
        ("2024-01-02 03:04:05 -0800", "2024-01-02 11:04:05"),
        ("2024-01-02 03:04:05+01", "2024-01-02 02:04:05"),
        ("2024-01-02 03:04:05 UTC", "2024-01-02 03:04:05"),
        ("[2024-01-02 03:04:05]", "2024-01-02 03:04:05"),
        ("2024/01/02 03:04:05", "2024-01-02 03:04:05"),
        ("20240102T030405.25Z", "2024-01-02 03:04:05.25"),
        ("20171223-22:15:29:606", "2017-12-23 22:15:29.606"),
        ("Tue Jan  2 03:04:05 2024", "2024-01-02 03:04:05"),
        ("Tue, 02 Jan 2024 03:04:05 +0100", "2024-01-02 02:04:05"),
        ("02/Jan/2024:03:04:05 +0100", "2024-01-02 02:04:05"),
        ("02-Jan-2024 03:04:05.5", "2024-01-02 03:04:05.5"),
        ("1286536309.586", "2010-10-08 11:11:49.586"),
        ("1970-01-01T00:00:00Z", "1970-01-01 00:00:00"),
        ("1970-01-01T00:00:00+01:00", "1969-12-31 23:00:00"),
        ("2100-12-31T23:59:59.999999999Z", "2100-12-31 23:59:59.999999999"),
        ("2024-02-29T00:00:00Z", "2024-02-29 00:00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01 00:00:00"),
    ],
)
def test_a_line_that_begins_with_a_clock(text: str, expected: str, read: Read) -> None:
    event = read(f"{text} it happened")
    assert event.timestamp == ns(expected)
    assert event.body == "it happened"


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-01 00:00:00",
        "2024-02-30 00:00:00",
        "2023-02-29 00:00:00",
        "2024-00-01 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 00:60:00",
        "2024-01-01 00:00:61",
        "2024-01-01 00:00:00+24:00",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "17/13/09 20:10:40",
        "Jun 31 15:16:01",
        "Foo 14 15:16:01",
        "Sun Foo 04 04:47:44 2005",
    ],
)
def test_an_impossible_time_is_none_and_nothing_of_the_line_gets_lost(text: str, read: Read) -> None:
    line = f"{text} ERROR it happened"
    event = read(line)
    assert event.timestamp is None
    assert event.body == line


def test_an_impossible_time_leaves_the_severity(read: Read) -> None:
    assert read("2024-13-01 00:00:00 ERROR it happened").severity_number == 17


class TestYear:
    """RFC 3164 has no year: it is the latest that is not behind the file's last writing."""

    @pytest.mark.parametrize(
        ("written", "date", "year"),
        [
            ((2005, 11, 15), "Jun 14 15:16:01", 2005),
            ((2005, 3, 1), "Jun 14 15:16:01", 2004),
            ((2024, 1, 1), "Dec 31 23:59:59", 2023),
            ((2024, 12, 31), "Jan  1 00:00:00", 2024),
            ((2024, 6, 14), "Jun 13 23:00:00", 2024),
            ((2024, 6, 14), "Jun 16 00:00:00", 2023),
            ((2023, 6, 1), "Feb 29 12:00:00", 2020),
            ((1970, 6, 1), "Jan  1 00:00:00", 1970),
        ],
    )
    def test_it_is_found(self, written: tuple[int, int, int], date: str, year: int, read: Read) -> None:
        event = read(f"{date} h a: x", written=datetime(*written, tzinfo=UTC))
        assert event.timestamp is not None
        assert datetime.fromtimestamp(event.timestamp // 10**9, UTC).year == year

    def test_local_time_ahead_of_utc_is_not_last_years(self, read: Read) -> None:
        """A host in Tokyo has written this line just now."""
        event = read("Jun 14 15:00:00 h a: x", written=datetime(2024, 6, 14, 6, 0, 1, tzinfo=UTC))
        assert event.timestamp == ns("2024-06-14 15:00:00")

    def test_without_the_files_time_it_is_when_the_line_was_read(self, read: Read) -> None:
        event = read("Jun 14 15:16:01 h a: x", written=None)
        assert datetime.fromtimestamp(OBSERVED_NS // 10**9, UTC).year == 2023
        assert event.timestamp == ns("2023-06-14 15:16:01")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1_704_196_800, ns("2024-01-02 12:00:00")),
        (1_704_196_800_123, ns("2024-01-02 12:00:00.123")),
        (1_704_196_800_123_456, ns("2024-01-02 12:00:00.123456")),
        (1_704_196_800_123_456_789, ns("2024-01-02 12:00:00.123456789")),
        (1_704_196_800.123, ns("2024-01-02 12:00:00.123")),
        (1_704_196_800_123.5, ns("2024-01-02 12:00:00.1235")),
        ("1704196800.000000001", ns("2024-01-02 12:00:00.000000001")),
        (4_102_444_800, ns("2100-01-01 00:00:00")),
        (-1, None),
        ("", None),
        ("1_000", None),
        ("１", None),
        ("1.5.2", None),
        (1e300, None),
        (10**30, None),
    ],
)
def test_epoch_numbers_are_told_by_their_size(value: float | str, expected: int | None) -> None:
    assert epoch_number_ns(value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 40,
        "2023-01-29T10:21:25Z",
        "2023-01-29T10:21:25.Z",
        "2023-01-29T10:21:25.1_2Z",
        "2023-13-29T10:21:25.1Z",
        "2023-01-29T10:21:25.1234567890Z",
        "2023-01-29 10:21:25.1Z",
        "2023-01-29T10:21:25.\uff11Z",
    ],
)
def test_the_short_way_takes_only_its_own_form(text: str) -> None:
    assert utc_ns(text) is None


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: clock.name)
def test_clocks_do_not_overlap(clock: Clock) -> None:
    """No clock's example is read by another clock, so their order does not matter."""
    for example in clock.examples:
        readers = [c.name for c in CLOCKS if re.match(c.pattern, example, re.VERBOSE | re.ASCII)]
        assert readers == [clock.name]
