"""Which interval a histogram takes: the smallest that people read well and that needs no more buckets than asked."""

from __future__ import annotations

__all__ = ["choose_interval"]

_SECOND = 1_000_000_000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 86_400 * _SECOND
_BELOW_A_SECOND = tuple(step * int(10**power) for power in range(9) for step in (1, 2, 5))
_CLOCK = (
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
)
_DAYS = (*(n * _DAY for n in (1, 2, 7, 14, 30, 90, 365)), *(365 * _DAY * n for n in (2, 5, 10, 20, 50, 100, 200)))
_NICE: tuple[int, ...] = (*_BELOW_A_SECOND, *_CLOCK, *_DAYS)


def choose_interval(start: int, end: int, buckets: int) -> int:
    """Return the interval, ns, whose multiples cut `start` <= t < `end` into at most `buckets` pieces, if one does.

    A range that begins inside an interval needs one piece more than its length says; that is counted. With one
    bucket over a multiple of every interval none does, and the longest is returned.
    """
    for interval in _NICE:
        if -(-end // interval) - start // interval <= buckets:
            return interval
    return _NICE[-1]
