"""Exact counts by interval and severity, from an engine whose aggregations compute in doubles.

At today's times a double knows nanoseconds to the nearest 256. The engine is therefore asked for the intervals between
the doubles nearest to the real borders, which it counts exactly; the events in the sliver between a border and its
double are counted apart and moved to where they belong. Whole seconds (until 2043) are doubles and have no sliver, so
a histogram over whole seconds costs one pass.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tantivy import Query, Searcher

from .query import all_of, between

__all__ = ["SeverityCounts", "count_by_interval"]

SeverityCounts = dict[int, Counter[int]]
"""Interval number -> severity number -> events."""
_BY_SEVERITY = {"severities": {"terms": {"field": "severity_number", "size": 64}}}


def count_by_interval(searcher: Searcher, query: Query, start: int, end: int, interval: int) -> SeverityCounts:
    """Return the query's events with `start` <= time < `end` by interval (`start + number * interval`, ns)."""
    matching = all_of(query, between("time", start, end - 1))
    borders = [*range(start, end, interval), end]
    counts = _count_between(searcher, matching, [float(border) for border in borders])
    for number, border in enumerate(borders):
        double = int(float(border))
        if double == border:
            continue
        sliver = all_of(matching, between("time", min(double, border), max(double, border) - 1))
        moved = _severities(searcher.aggregate(sliver, _BY_SEVERITY))
        # A double above its border has left the sliver in the interval before, one below has drawn it into this one.
        wrong, right = (number - 1, number) if double > border else (number, number - 1)
        counts[wrong].subtract(moved)
        counts[right].update(moved)
    return {number: +counts[number] for number in range(len(borders) - 1) if +counts[number]}


def _count_between(searcher: Searcher, query: Query, doubles: list[float]) -> defaultdict[int, Counter[int]]:
    """Return counts by the number of the interval `doubles[number]` <= time < `doubles[number + 1]`."""
    numbers = {low: i for i, (low, high) in enumerate(pairwise(doubles)) if low < high}
    ranges = [{"from": low, "to": doubles[i + 1]} for low, i in numbers.items()]
    counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    if not ranges:
        return counts
    answer = searcher.aggregate(query, {"times": {"range": {"field": "time", "ranges": ranges}, "aggs": _BY_SEVERITY}})
    for bucket in answer["times"]["buckets"]:
        number = numbers.get(bucket.get("from"))
        if number is not None:
            counts[number].update(_severities(bucket))
    return counts


def _severities(answer: Mapping[str, Any]) -> dict[int, int]:
    return {int(bucket["key"]): bucket["doc_count"] for bucket in answer["severities"]["buckets"]}
