"""From a clock's digits to nanoseconds UTC, without `strptime`: a calendar date is computed once per minute.

A time without a zone is taken as UTC. A time that no calendar has (month 13, February 30, hour 24) is None, and so is
one that does not fit 64-bit nanoseconds (before 1677, after 2262). Second 60, a leap second, is the next second
(RFC 3339 section 5.7).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

__all__ = [
    "NS_PER_S",
    "epoch_number_ns",
    "fraction_ns",
    "minute_ns",
    "month_number",
    "second_ns",
    "utc_ns",
    "zone_ns",
]

NS_PER_S = 1_000_000_000
NS_MAX = (1 << 63) - 1
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_UTC_SECOND = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)
# Longer sub-seconds than nanoseconds are cut, shorter ones filled up.
_FRACTION_DIGITS = 9
_POWERS_OF_TEN = tuple(10**exponent for exponent in range(_FRACTION_DIGITS + 1))
# Numbers as times: below these bounds seconds, milliseconds, microseconds, else nanoseconds (year 5138 in each unit).
_EPOCH_UNITS = ((10**11, NS_PER_S), (10**14, 10**6), (10**17, 10**3))


@lru_cache(maxsize=4_096)
def minute_ns(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    """Return the minute's begin in ns since 1970 UTC, or None if there is no such minute."""
    if hour > 23 or minute > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None
    at = (days * 86_400 + hour * 3_600 + minute * 60) * NS_PER_S
    return at if -NS_MAX + 90_000 * NS_PER_S <= at <= NS_MAX - 90_000 * NS_PER_S else None


def second_ns(minute: int | None, second: str) -> int | None:
    """Return the minute (ns) plus its second, two digits; None if there is no such second."""
    value = int(second)
    return None if minute is None or value > 60 else minute + value * NS_PER_S


def fraction_ns(digits: str | None) -> int:
    """Return the ns of the digits behind a second's point: `5` is half a second."""
    return int(digits[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0")) if digits else 0


@lru_cache(maxsize=256)
def zone_ns(zone: str) -> int | None:
    """Return the ns that a zone (`Z`, `UTC`, `GMT`, `+09:00`, `-0730`, `+01`) is ahead of UTC, None if over a day."""
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        return None
    ahead = (hours * 3_600 + minutes * 60) * NS_PER_S
    return -ahead if zone[0] == "-" else ahead


def month_number(name: str) -> int:
    """Return 1-12 for a month's English three letters in any case, 0 for anything else."""
    return _MONTHS.get(name.lower(), 0)


def epoch_number_ns(value: float | str) -> int | None:
    """Return the ns of a count since 1970 in seconds, milliseconds, microseconds or nanoseconds, told by its size.

    Takes int, float or decimal text; the decimals are those of the shortest text of a float. None if negative or too
    large.
    """
    text = value if isinstance(value, str) else repr(value)
    whole, _, decimals = text.partition(".")
    if not (whole.isdigit() and whole.isascii() and len(whole) < 20):
        return None
    if decimals and not (decimals.isdigit() and decimals.isascii()):
        return None
    number = int(whole)
    unit = next((unit for bound, unit in _EPOCH_UNITS if number < bound), 1)
    ns = number * unit + fraction_ns(decimals) * unit // NS_PER_S
    return ns if ns <= NS_MAX else None


@lru_cache(maxsize=4_096)
def _utc_second_ns(text: str) -> int | None:
    found = _UTC_SECOND.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = found.groups()
    return second_ns(minute_ns(int(year), int(month), int(day), int(hour), int(minute)), second)


def utc_ns(text: str) -> int | None:
    """Return the ns of an RFC 3339 time in UTC with a fraction (`2023-01-29T10:21:25.190447476Z`), else None.

    The way of most lines of containers: a second is read once.
    """
    digits = text[20:-1]
    if text[19:20] != "." or text[-1] != "Z" or not (digits.isdigit() and digits.isascii()) or len(digits) > 9:
        return None
    at = _utc_second_ns(text[:19])
    return None if at is None else at + int(digits) * _POWERS_OF_TEN[9 - len(digits)]
