"""Clocks: the notations in which log lines write their time, as data. A row is a pattern and how its groups read.

Years: a notation without one takes it from the time that the file was last written (`Calendar`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from .timestamps import NS_PER_S, epoch_number_ns, fraction_ns, minute_ns, month_number, second_ns, zone_ns

__all__ = ["CLOCKS", "Calendar", "Clock", "Moment"]

Moment = tuple[int | None, bool]
"""Time in ns UTC (None: no such time), and whether it is a point in time by itself (it had a zone, or is an epoch)."""

# A host may write its local time, which is ahead of UTC by up to 14 hours (Kiribati).
_AHEAD_OF_UTC_MAX_NS = 14 * 3_600 * NS_PER_S
# February 29 is missing in up to seven years in a row (around 1900 and 2100).
_YEARS_BACK_MAX = 8


@dataclass(frozen=True, slots=True)
class Calendar:
    """Finds the year of a date that has none: the latest that is not behind the file's last writing."""

    written_ns: int

    def year_of(self, month: int, day: int, hour: int, minute: int) -> int | None:
        """Return the year, None if no near year has that date."""
        return _latest_year(self.written_ns + _AHEAD_OF_UTC_MAX_NS, month, day, hour, minute)


@lru_cache(maxsize=4_096)
def _latest_year(before_ns: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        latest = datetime.fromtimestamp(before_ns // NS_PER_S, UTC).year
    except (ValueError, OverflowError, OSError):
        return None
    for year in range(latest, latest - _YEARS_BACK_MAX - 1, -1):
        at = minute_ns(year, month, day, hour, minute)
        if at is not None and at <= before_ns:
            return year
    return None


Reader = Callable[["re.Match[str]", Calendar], Moment]


@dataclass(frozen=True, slots=True)
class Clock:
    """A notation of time. `examples` also say by which first characters a line in this notation is known."""

    name: str
    pattern: str
    read: Reader = field(repr=False)
    examples: tuple[str, ...]
    dated: bool = True
    """False: a time of day only, which gives no timestamp."""
    alone: bool = True
    """A line may begin with it whatever follows; False: only if a layout knows what follows."""


def _moment(minute: int | None, second: str, fraction: str | None, zone: str | None) -> Moment:
    at = second_ns(minute, second)
    if at is None:
        return None, False
    at += fraction_ns(fraction)
    if not zone:
        return at, False
    ahead = zone_ns(zone.strip())
    return (None, False) if ahead is None else (at - ahead, True)


def _read_numbers(match: re.Match[str], _calendar: Calendar) -> Moment:
    """Read the groups: year to minute, second, fraction, zone."""
    minute, second, fraction, zone = match.groups()
    return _moment(_minute_of_digits(minute), second, fraction, zone)


@lru_cache(maxsize=4_096)
def _minute_of_digits(text: str) -> int | None:
    """Return the minute that the digits of a text say, year to minute; a year of two digits is 20xx."""
    digits = "".join(filter(str.isdigit, text))
    if len(digits) == 10:
        digits = "20" + digits
    return minute_ns(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), int(digits[8:10]), int(digits[10:]))


def _read_named_month(match: re.Match[str], calendar: Calendar) -> Moment:
    """Read named groups, the month by name or number; year, fraction and zone may be absent."""
    part = match.groupdict()
    name = part["month"]
    month = int(name) if name.isdigit() else month_number(name)
    day, hour, minute = int(part["day"]), int(part["hour"]), int(part["minute"])
    written = part.get("year")
    year = int(written) if written else calendar.year_of(month, day, hour, minute)
    if year is None:
        return None, False
    return _moment(minute_ns(year, month, day, hour, minute), part["second"], part.get("fraction"), part.get("zone"))


def _read_epoch(match: re.Match[str], _calendar: Calendar) -> Moment:
    at = epoch_number_ns(match[1])
    return at, at is not None


def _read_nothing(_match: re.Match[str], _calendar: Calendar) -> Moment:
    return None, False


_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FRACTION = r"(?:[.,](?P<fraction>\d{1,12}))?"
_ZONE = r"(?:\ ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?"
_DAY_NAME = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH_NAME = r"(?P<month>[A-Z][a-z][a-z])"

CLOCKS: tuple[Clock, ...] = (
    # ISO 8601, RFC 3339, log4j, Python, Go's standard log, nginx error: 2015-10-18 18:01:47,978  2024-01-02T03:04:05Z
    Clock(
        "iso",
        r"(\d{4}[-/.]\d\d[-/.]\d\d(?:[T_]|\ {1,2})\d\d:\d\d):(\d\d)(?:[.,:](\d{1,12}))?"
        r"(?:(\ ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)|[+-]\d\d)(?![\w:]))?",
        _read_numbers,
        ("2015-10-18 18:01:47,978", "2024-01-02T03:04:05.123456789Z", "2024/01/02 03:04:05 +0900"),
    ),
    # log4j's %d{HH:mm:ss.SSS}, logback's default
    Clock(
        "time_of_day",
        r"\d\d:\d\d:\d\d(?:[.,]\d{1,12})?",
        _read_nothing,
        ("16:42:09.735",),
        dated=False,
    ),
    # RFC 3164 section 4.1.2, day padded with a blank (or not, as some write)
    Clock(
        "syslog",
        rf"{_MONTH_NAME}\ {{1,2}}(?P<day>\d{{1,2}})\ {_TIME}{_FRACTION}",
        _read_named_month,
        ("Jun 14 15:16:01", "Jul  1 09:00:55"),
    ),
    # C's ctime, Apache's error log: Sun Dec 04 04:47:44 2005, with microseconds since 2.4
    Clock(
        "ctime",
        rf"{_DAY_NAME}\ {_MONTH_NAME}\ {{1,2}}(?P<day>\d{{1,2}})\ {_TIME}{_FRACTION}"
        rf"(?:\ (?P<zone>UTC|GMT))?\ (?P<year>\d{{4}})",
        _read_named_month,
        ("Sun Dec 04 04:47:44 2005",),
    ),
    # RFC 5322 section 3.3: Mon, 02 Jan 2006 15:04:05 -0700
    Clock(
        "mail",
        rf"{_DAY_NAME},\ (?P<day>\d{{1,2}})\ {_MONTH_NAME}\ (?P<year>\d{{4}})\ {_TIME}{_FRACTION}{_ZONE}",
        _read_named_month,
        ("Mon, 02 Jan 2006 15:04:05 -0700",),
    ),
    # Tomcat, Redis, Erlang: 01-Jan-2024 00:00:00.123
    Clock(
        "day_first",
        rf"(?P<day>\d\d)[-\ /]{_MONTH_NAME}[-\ /](?P<year>\d{{4}})\ {_TIME}{_FRACTION}{_ZONE}",
        _read_named_month,
        ("01-Jan-2024 00:00:00.123", "01 Jan 2024 00:00:00.123", "01/Jan/2024 00:00:00"),
    ),
    # Common Log Format's %t: 10/Oct/2000:13:55:36 -0700
    Clock(
        "common_log",
        rf"(?P<day>\d\d)/{_MONTH_NAME}/(?P<year>\d{{4}}):{_TIME}{_FRACTION}{_ZONE}",
        _read_named_month,
        ("10/Oct/2000:13:55:36 -0700",),
    ),
    # Spark's and Hadoop's console: 17/06/09 20:10:40
    Clock(
        "two_digit_year",
        r"(\d\d/\d\d/\d\d\ \d\d:\d\d):(\d\d)(?:[.,](\d{1,12}))?()",
        _read_numbers,
        ("17/06/09 20:10:40",),
    ),
    # HDFS: 081109 203615
    Clock(
        "compact_two_digit_year",
        r"(\d{6}\ \d{4})(\d\d)()()(?!\d)",
        _read_numbers,
        ("081109 203615",),
        alone=False,
    ),
    # ISO 8601 basic format, and what phones write: 20240102T030405.123Z  20171223-22:15:29:606
    Clock(
        "compact",
        r"(\d{8}[T\-\ ]\d\d:?\d\d):?(\d\d)(?:[.,:](\d{1,12}))?(Z|[+-]\d\d:?\d\d)?(?!\d)",
        _read_numbers,
        ("20240102T030405.123Z", "20171223-22:15:29:606"),
    ),
    # Blue Gene: 2005-06-03-15.42.50.363779
    Clock(
        "dotted",
        r"(\d{4}-\d\d-\d\d-\d\d\.\d\d)\.(\d\d)(?:\.(\d{1,12}))?()",
        _read_numbers,
        ("2005-06-03-15.42.50.363779",),
    ),
    # klog and glog behind the severity letter: 0102 15:04:05.678901
    Clock(
        "month_day",
        rf"(?P<month>\d\d)(?P<day>\d\d)\ {_TIME}\.(?P<fraction>\d{{6}})",
        _read_named_month,
        ("0102 15:04:05.678901",),
        alone=False,
    ),
    # Android's logcat, threadtime format: 03-17 16:13:38.811
    Clock(
        "month_day_dashed",
        rf"(?P<month>\d\d)-(?P<day>\d\d)\ {_TIME}\.(?P<fraction>\d{{3,6}})",
        _read_named_month,
        ("03-17 16:13:38.811",),
        alone=False,
    ),
    # Proxifier: [10.30 16:49:06]
    Clock(
        "month_day_dotted",
        rf"(?P<month>\d\d)\.(?P<day>\d\d)\ {_TIME}",
        _read_named_month,
        ("10.30 16:49:06",),
        alone=False,
    ),
    # Seconds since 1970 with decimals, as Squid writes them
    Clock(
        "epoch",
        r"(\d{10}\.\d{3,9})(?![\d.])",
        _read_epoch,
        ("1286536309.586",),
    ),
)
