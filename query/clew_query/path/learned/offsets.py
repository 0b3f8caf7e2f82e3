"""Clock offsets between hosts from the lines alone: calls are taken as exchanges of time (as NTP does, RFC 5905).

Two lines in a row of one writer, and a line of another host that belongs between them, bound the difference of the two
clocks from both sides. Which line belongs where is not known; but what holds in hundreds of transactions at one and
the same difference does. Independent of how far the clocks are apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bound", "Occurrence", "Order", "find_offsets"]

SAMPLES_MIN = 6
QUANTILE = 0.02
"""Share of the occurrences that may lie outside of a bound: late stamps, and readings that do not hold always."""
WEIGHT_MAX = 30.0
WIDTH_SCALE_NS = 5e6
PASSES_MAX = 10
KINDS_PER_TRANSACTION_MAX = 60
APART_NS = 2e6
SUPPORT_KEPT = 0.8
SLACK_NATS = 20.0
"""Offsets are left alone unless they explain a fifth less than others, and those do not bring disorder."""
SUPPORT_NATS = 2.0
NEIGHBOURS_MAX = 2
ORDERED_MAX = 200
"""Transactions whose order is looked at."""
PEAKS_MAX = 8
PEAK_SHARE_MIN = 0.3

Ns = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The lines of one transaction in columns, each writer's in order."""

    hosts: Ns
    writers: Ns
    kinds: Ns
    times: Ns


@dataclass(frozen=True, slots=True)
class Bound:
    """`low <= clock of b - clock of a <= high`, in ns, as strongly believed as `weight` says."""

    a: int
    b: int
    low: float
    high: float
    weight: float


def find_offsets(
    transactions: Sequence[Occurrence], hosts: int, known: NDArray[np.float64] | None = None
) -> list[NDArray[np.float64]]:
    """Return what the offsets of the hosts may be (ns to subtract from their times), up to a constant.

    The first is what is `known`, else 0; there are others only where many more bounds would hold.
    Bounds propose differences that many of them agree on.
    """
    start = np.zeros(hosts) if known is None else known
    bounds = bounds_of(transactions)
    if not bounds:
        return [start]
    order = Order(transactions[:: max(1, len(transactions) // ORDERED_MAX)])
    spanned = _spanning(bounds, start)
    found = [_settle(bounds, order, first) for first in (start, spanned, _ascend(bounds, spanned))]
    found.sort(key=lambda at: _cost(bounds, order, at))
    told = [start]
    for offset in found:
        if _better(bounds, order, start, offset) and all(_apart(offset, other) for other in told):
            told.append(offset)
    return told


def _better(bounds: Sequence[Bound], order: Order, start: NDArray[np.float64], offset: NDArray[np.float64]) -> bool:
    """Return whether many more bounds hold, and lines follow each other no less regularly.

    Order alone would tell nothing: the lines of a host that is moved away altogether follow each other most regularly.
    """
    if _support(bounds, start) >= SUPPORT_KEPT * _support(bounds, offset):
        return False
    return order.disorder(offset) <= order.disorder(start) + SLACK_NATS


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    difference = a - b
    return bool(np.ptp(difference) > APART_NS)


class Order:
    """How regularly lines follow each other, given the offsets of the hosts."""

    def __init__(self, transactions: Sequence[Occurrence]) -> None:
        self._hosts = np.concatenate([lines.hosts for lines in transactions])
        self._kinds = np.concatenate([lines.kinds for lines in transactions])
        self._number = np.repeat(np.arange(len(transactions)), [len(lines.kinds) for lines in transactions])
        # Floats hold nanoseconds exactly for the months around a transaction's first line, not for those since 1970.
        self._times = np.concatenate([lines.times - lines.times.min() for lines in transactions]).astype(np.float64)
        self._kinds_max = int(self._kinds.max()) + 1

    def disorder(self, offset: NDArray[np.float64]) -> float:
        """Return the entropy of each line given the one before it, summed, in nats."""
        order = np.lexsort((self._times - offset[self._hosts], self._number))
        kinds, number = self._kinds[order], self._number[order]
        inner = number[1:] == number[:-1]
        before, after = kinds[:-1][inner], kinds[1:][inner]
        return _entropy(before * self._kinds_max + after) - _entropy(before)


def _entropy(codes: Ns) -> float:
    counts = np.unique(codes, return_counts=True)[1]
    return float(len(codes) * math.log(max(len(codes), 1)) - (counts * np.log(counts)).sum())


def _settle(bounds: Sequence[Bound], order: Order, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """For one host at a time, or it and one of its neighbours, try the other differences that many bounds agree on."""
    of_host = _bounds_of_hosts(bounds)
    neighbours = {host: _neighbours(own, host) for host, own in of_host.items()}
    best = _cost(bounds, order, offset)
    for _ in range(PASSES_MAX):
        before = best
        for host in sorted(of_host):
            for place in _peaks(_intervals(of_host[host], host, offset)):
                for other in (host, *neighbours[host]):
                    tried = offset.copy()
                    tried[[host, other]] += place - offset[host]
                    if other == host:
                        tried[host] = place
                    if (found := _cost(bounds, order, tried)) < best:
                        best, offset = found, tried
        if best == before:
            break
    return offset


def _cost(bounds: Sequence[Bound], order: Order, offset: NDArray[np.float64]) -> float:
    return order.disorder(offset) - SUPPORT_NATS * _support(bounds, offset)


def _neighbours(bounds: Sequence[Bound], host: int) -> list[int]:
    """Return the hosts that most weight of bounds ties to this one."""
    weight: dict[int, float] = {}
    for bound in bounds:
        other = bound.b if bound.a == host else bound.a
        weight[other] = weight.get(other, 0.0) + bound.weight
    return sorted(weight, key=lambda other: -weight[other])[:NEIGHBOURS_MAX]


def _support(bounds: Sequence[Bound], offset: NDArray[np.float64]) -> float:
    """Return the weight of the bounds that hold."""
    at = offset.tolist()
    return sum(bound.weight for bound in bounds if bound.low <= at[bound.b] - at[bound.a] <= bound.high)


def _peaks(intervals: list[tuple[float, float, float]]) -> list[float]:
    """Return the middles of the stretches where much weight of intervals overlaps, the heaviest first."""
    edges = sorted([(low, 0, w) for low, _, w in intervals] + [(high, 1, -w) for _, high, w in intervals])
    found: list[tuple[float, float]] = []
    held, rising = 0.0, False
    for at, (place, end, weight) in enumerate(edges):
        if end and rising:
            found.append((held, (edges[at - 1][0] + place) / 2))
        rising = not end
        held += weight
    most = max((weight for weight, _ in found), default=0.0)
    return [place for weight, place in sorted(found, reverse=True)[:PEAKS_MAX] if weight >= PEAK_SHARE_MIN * most]


def bounds_of(transactions: Sequence[Occurrence]) -> list[Bound]:
    """Return a bound for each triple of kinds (two in a row of one writer, one of another host) that admits one."""
    lows: dict[tuple[int, int, int, int, int], list[Ns]] = {}
    highs: dict[tuple[int, int, int, int, int], list[Ns]] = {}
    for lines in transactions:
        lists = _by_kind(lines)
        for (a_host, first, second), (before, after) in _gaps(lines).items():
            for (b_host, kind), times in lists:
                if b_host != a_host and len(times) == len(before):
                    key = (a_host, b_host, first, second, kind)
                    lows.setdefault(key, []).append(times - after)
                    highs.setdefault(key, []).append(times - before)
    bounds: list[Bound] = []
    for key, parts in lows.items():
        if len(parts) < SAMPLES_MIN / 4:
            continue
        low = np.concatenate(parts)
        if len(low) < SAMPLES_MIN:
            continue
        bottom = _quantile(low, 1 - QUANTILE)
        top = _quantile(np.concatenate(highs[key]), QUANTILE)
        if bottom < top:
            weight = min(math.sqrt(len(low)), WEIGHT_MAX) / math.sqrt(1 + (top - bottom) / WIDTH_SCALE_NS)
            bounds.append(Bound(key[0], key[1], bottom, top, weight))
    return bounds


def _quantile(values: Ns, q: float) -> float:
    at = round(q * (len(values) - 1))
    return float(np.partition(values, at)[at])


def _by_kind(lines: Occurrence) -> list[tuple[tuple[int, int], Ns]]:
    found: dict[tuple[int, int], list[int]] = {}
    for host, kind, time in zip(lines.hosts.tolist(), lines.kinds.tolist(), lines.times.tolist(), strict=True):
        found.setdefault((host, kind), []).append(time)
    return [(key, np.array(times)) for key, times in list(found.items())[:KINDS_PER_TRANSACTION_MAX]]


def _gaps(lines: Occurrence) -> dict[tuple[int, int, int], tuple[Ns, Ns]]:
    last: dict[int, tuple[int, int]] = {}
    found: dict[tuple[int, int, int], tuple[list[int], list[int]]] = {}
    columns = (lines.hosts.tolist(), lines.writers.tolist(), lines.kinds.tolist(), lines.times.tolist())
    for host, writer, kind, time in zip(*columns, strict=True):
        if writer in last:
            before_kind, before = last[writer]
            befores, afters = found.setdefault((host, before_kind, kind), ([], []))
            befores.append(before)
            afters.append(time)
        last[writer] = (kind, time)
    return {key: (np.array(before), np.array(after)) for key, (before, after) in found.items()}


def _best_point(intervals: list[tuple[float, float, float]], otherwise: float) -> tuple[float, float]:
    """Return where the most weight of intervals overlaps (the middle of that stretch) and how much it is."""
    if not intervals:
        return otherwise, 0.0
    edges = sorted(
        [(low, 0, weight) for low, _, weight in intervals] + [(high, 1, -weight) for _, high, weight in intervals]
    )
    best, most, held, right = otherwise, 0.0, 0.0, 0.0
    for at, (place, _, weight) in enumerate(edges):
        held += weight
        if held > most + 1e-9:
            most, best = held, place
            right = edges[at + 1][0] if at + 1 < len(edges) else place
    return (best + right) / 2, most


def _spanning(bounds: Sequence[Bound], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return offsets along the tree of the best supported pairs."""
    pairs: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for bound in bounds:
        if bound.a < bound.b:
            pairs.setdefault((bound.a, bound.b), []).append((bound.low, bound.high, bound.weight))
        else:
            pairs.setdefault((bound.b, bound.a), []).append((-bound.high, -bound.low, bound.weight))
    ranked = sorted(((*_best_point(found, 0.0), a, b) for (a, b), found in pairs.items()), key=lambda item: -item[1])
    group = list(range(len(start)))
    offset = start.copy()
    for difference, _, a, b in ranked:
        if group[a] == group[b]:
            continue
        shift = offset[a] + difference - offset[b]
        old, new = group[b], group[a]
        for host in range(len(group)):
            if group[host] == old:
                group[host] = new
                offset[host] += shift
    return offset


def _ascend(bounds: Sequence[Bound], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move one host at a time to where most weight holds, until none moves."""
    of_host = _bounds_of_hosts(bounds)
    offset = offset.copy()
    order = sorted(of_host, key=lambda host: -sum(bound.weight for bound in of_host[host]))
    for _ in range(PASSES_MAX):
        before = offset.copy()
        for host in order[1:]:
            offset[host] = _best_point(_intervals(of_host[host], host, offset), offset[host])[0]
        if np.abs(offset - before).max() < 1e3:
            break
    return offset


def _bounds_of_hosts(bounds: Sequence[Bound]) -> dict[int, list[Bound]]:
    of_host: dict[int, list[Bound]] = {}
    for bound in bounds:
        of_host.setdefault(bound.a, []).append(bound)
        of_host.setdefault(bound.b, []).append(bound)
    return of_host


def _intervals(bounds: Sequence[Bound], host: int, offset: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    """Return where the bounds want this host's offset, the others being where they are: `(low, high, weight)`."""
    return [
        (offset[x.a] + x.low, offset[x.a] + x.high, x.weight)
        if x.b == host
        else (offset[x.b] - x.high, offset[x.b] - x.low, x.weight)
        for x in bounds
    ]
