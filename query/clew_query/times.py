"""Times at the edge: RFC 3339 with nine digits out, RFC 3339 or relative words in. Inside, ns UTC.

A text denotes a span of time: `2023-01-29` is a day, `2023-01-29T09:30` a minute, a fraction of n digits 10^-n
seconds, `now-15m` one instant. `span_of` gives both ends, so that `time:2023-01-29` and `time<=2023-01-29` mean the
whole day, as users of Elasticsearch expect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from time import gmtime, strftime, time_ns

__all__ = ["NANOSECONDS", "Now", "TimeTexts", "format_time", "instant_of", "span_of"]

NANOSECONDS = 1_000_000_000
DAY_SECONDS = 86_400
# Stores keep 64-bit nanoseconds.
INSTANT_MAX = (1 << 63) - 1

Now = Callable[[], int]
"""Returns the present, ns UTC."""

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}
_RELATIVE = re.compile(r"now(?P<steps>(?:[+-]\d{1,9}[smhdw])*)")
_STEP = re.compile(r"([+-])(\d+)([smhdw])")
_ABSOLUTE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<minute>\d\d:\d\d)(?P<second>:\d\d(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def format_time(time: int) -> str:
    """Return ns UTC as RFC 3339 with nine digits: `2023-01-29T08:30:00.123456789Z`."""
    seconds, nanoseconds = divmod(time, NANOSECONDS)
    return f"{_second(seconds)}.{nanoseconds:09d}Z"


class TimeTexts(dict[int, str]):
    """What `format_time` returns, by time, each made once: for one answer, in which times stand again and again."""

    def __missing__(self, time: int) -> str:
        text = self[time] = format_time(time)
        return text


def instant_of(text: str, now: Now = time_ns) -> int:
    """Return the first instant, ns UTC, that the text denotes; ValueError with a sentence if it denotes none."""
    return span_of(text, now)[0]


def span_of(text: str, now: Now = time_ns) -> tuple[int, int]:
    """Return the first and the last instant, ns UTC, that the text denotes; ValueError with a sentence if none.

    Known: RFC 3339 or a beginning of it (no zone means UTC), `now`, and `now` with steps (`now-1d+2h`) in the
    units s, m, h, d, w.
    """
    value = text.strip()
    if match := _RELATIVE.fullmatch(value):
        steps = _STEP.findall(match["steps"])
        moved = sum(int(sign + count) * _UNIT_SECONDS[unit] for sign, count, unit in steps)
        return _bounded(text, (instant := now() + moved * NANOSECONDS), instant)
    if match := _ABSOLUTE.fullmatch(value):
        try:
            return _bounded(text, *_absolute(match))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"`{text}` is not a time: {error}") from error
    raise ValueError(f"`{text}` is not a time: use RFC 3339 (2023-01-29T08:30:00Z) or relative (now-15m)")


def _bounded(text: str, first: int, last: int) -> tuple[int, int]:
    if first < -INSTANT_MAX or last > INSTANT_MAX:
        raise ValueError(f"`{text}` lies outside the years 1678 to 2261")
    return first, last


def _absolute(match: re.Match[str]) -> tuple[int, int]:
    second, fraction = match["second"], match["fraction"] or ""
    clock = (match["minute"] or "00:00") + (second.split(".")[0].split(",")[0] if second else ":00")
    moment = datetime.fromisoformat(f"{match['day']}T{clock}").replace(tzinfo=_zone(match["zone"]))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    first = (since.days * DAY_SECONDS + since.seconds) * NANOSECONDS + int(fraction.ljust(9, "0"))
    if fraction:
        lasts = 10 ** (9 - len(fraction))
    elif second:
        lasts = NANOSECONDS
    elif match["minute"]:
        lasts = 60 * NANOSECONDS
    else:
        lasts = DAY_SECONDS * NANOSECONDS
    return first, first + lasts - 1


def _zone(text: str | None) -> timezone:
    if not text or text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
