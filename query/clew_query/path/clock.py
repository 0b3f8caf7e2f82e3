"""How far hosts' clocks are apart, from calls: a call cannot begin before it is made, nor be answered before it ended.

Each call from host A to host B bounds `offset(B) - offset(A)`, where an offset is how far a clock is ahead: not above
`callee.start - caller.start`, and, if the caller waited, not below `callee.end - caller.end`. All bounds of a
transaction are one system of difference constraints, which shortest paths (Bellman-Ford) solve (Cormen et al.,
Introduction to Algorithms, "Difference constraints and shortest paths"). Clocks that fit are left alone. One that does
not goes to the middle of what its calls allow, as Jaeger and Zipkin do for one call; here all calls count, those that
it takes and those that it makes, and one host has one offset.

Where no clocks fit, some call was not waited for (a caller that had given up): the one whose answer is most out of
place is named, and its lower bound taken away. As the fastest request between two hosts bounds their clocks tightly, an
answer that came late does not pass for a clock that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

__all__ = ["Bound", "Exchange", "HostClock", "Prior", "Solution", "solve_clocks"]

ONE_WAY_NS = 1_000
"""Nothing arrives when it is sent: where nothing bounds a clock from the other side, it stands this far inside."""
LOOKS_MAX = 500_000
"""How often bounds are looked at to find out which calls contradict each other; then no clock is corrected by calls."""
HOSTS_MAX = 64
"""Hosts of a transaction whose clocks are looked at: solving grows with their cube."""
_MOST = attrgetter("most")
_FAR = 1 << 90
"""More than any two clocks can be apart."""


class Exchange(msgspec.Struct, frozen=True):
    """A call between two hosts, by their clocks, ns. `call` is whatever names it."""

    call: int
    caller: str
    callee: str
    sent: int
    received: int
    ended: int
    answered: int
    waited: bool
    """Whether the callee had ended when the caller went on."""


class Bound(msgspec.Struct, frozen=True):
    """`offset(later) - offset(earlier)` is not above `most`, says a call: its request, or its answer."""

    earlier: str
    later: str
    most: int
    call: int
    answer: bool
    tolerance: int = 0
    """What the resolution of the times may be mistaken by; nobody is corrected for that."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a host's clock before looking at any call: how far it is ahead, and within what, ns."""

    offset: int
    uncertainty: int
    origin: str
    joint: bool = False
    """Whether it was found together with other hosts': each then counts however small, or they come apart."""


@dataclass(frozen=True, slots=True)
class HostClock:
    """A host's clock: how far it is ahead, ns, and within what (None: nothing bounds it), and who says so."""

    offset: int
    uncertainty: int | None
    origin: str
    """`none`: nothing says that it is wrong; `calls`: corrected by calls; else the prior's."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Clocks by host, and what no clocks explain."""

    clocks: dict[str, HostClock]
    asynchronous: frozenset[int]
    """Calls that cannot have been waited for."""
    contradicting: frozenset[int]
    """Calls that were received before they were sent, whatever the clocks: the call is wrong, or a clock was set."""


def solve_clocks(
    exchanges: Iterable[Exchange],
    hosts: Sequence[str],
    priors: Mapping[str, Prior] | None = None,
    *,
    correction_ns_max: int | None = None,
) -> Solution:
    """Return the clocks of these hosts; the first one is the reference where there are no priors.

    Offsets are exactly the priors' (0 without one) wherever calls do not contradict them. A correction above the
    limit is not made. The true offset is within the uncertainty if the calls are what they seem and the reference is
    right. Iterative; n for n calls, and the cube of the hosts where clocks do not fit.
    """
    hosts = tuple(dict.fromkeys(hosts))[:HOSTS_MAX]
    known = {host: prior for host, prior in (priors or {}).items() if host in hosts}
    offsets = {host: known[host].offset if host in known else 0 for host in hosts}
    ordered, asynchronous = _sort_out(exchanges, set(hosts))
    system = _System(hosts, ordered)
    more, contradicting = system.make_feasible()
    # Who is known best is trusted first; then in the given order, which is that of first lines.
    order = sorted(hosts, key=lambda host: known[host].uncertainty if host in known else _FAR)
    apart = _Apart(hosts, system.bounds)
    corrected = offsets if system.holds(offsets) else _correct(apart, order, offsets, known)
    references = {host: corrected[host] for host in (known or order[:1])}
    clocks: dict[str, HostClock] = {}
    for host in hosts:
        correction = corrected[host] - offsets[host]
        if correction_ns_max is not None and abs(correction) > correction_ns_max:
            clocks[host] = HostClock(offsets[host], None, known[host].origin if host in known else "none")
            continue
        others = {name: offset for name, offset in references.items() if name != host}
        trust = max((known[name].uncertainty for name in others if name in known), default=0)
        room = _uncertainty(corrected[host], *apart.room(host, others), trust)
        if correction:
            clocks[host] = HostClock(corrected[host], room, "calls")
        elif host in known:
            own = known[host].uncertainty
            clocks[host] = HostClock(corrected[host], own if room is None else min(own, room), known[host].origin)
        else:
            clocks[host] = HostClock(corrected[host], room, "none")
    return Solution(clocks, frozenset(asynchronous | more), frozenset(contradicting))


def _correct(
    apart: _Apart, order: Sequence[str], offsets: Mapping[str, int], known: Mapping[str, Prior]
) -> dict[str, int]:
    """Return offsets that hold, each as it was where those before it leave it room for that."""
    fixed: dict[str, int] = {}
    for host in order:
        low, high = apart.room(host, fixed)
        prior = known.get(host)
        fixed[host] = _nearest(offsets[host], low, high, prior.uncertainty if prior else 0)
    return fixed


def _nearest(offset: int, low: int | None, high: int | None, uncertainty: int) -> int:
    if (low is None or low <= offset) and (high is None or offset <= high):
        return offset
    end = low if low is not None and offset < low else high
    assert end is not None
    if abs(end - offset) <= uncertainty:
        return end
    if low is not None and high is not None:
        return (low + high) // 2
    return end + ONE_WAY_NS if end == low else end - ONE_WAY_NS


def _uncertainty(offset: int, low: int | None, high: int | None, trust: int) -> int | None:
    return None if low is None or high is None else max(high - offset, offset - low) + trust


def _sort_out(exchanges: Iterable[Exchange], hosts: Collection[str]) -> tuple[list[list[Bound]], set[int]]:
    """Return the bounds between each two hosts, tightest last, and the calls that took longer than callers waited.

    Of bounds that are equally tight the one of the call that was given first is last.
    """
    asynchronous: set[int] = set()
    answers: dict[tuple[str, str], list[Bound]] = {}
    requests: dict[tuple[str, str], list[Bound]] = {}
    for x in exchanges:
        if x.caller == x.callee or x.caller not in hosts or x.callee not in hosts:
            continue
        pair = (x.caller, x.callee)
        sent, received, ended, answered = x.sent, x.received, x.ended, x.answered
        off = _resolution(sent, received, ended, answered)
        requests.setdefault(pair, []).append(Bound(x.caller, x.callee, received - sent, x.call, False, off))
        if x.waited and ended - received > answered - sent + off:
            asynchronous.add(x.call)
        elif x.waited:
            answers.setdefault(pair, []).append(Bound(x.callee, x.caller, answered - ended, x.call, True, off))
    bounds = [*requests.values(), *answers.values()]
    for one in bounds:
        one.reverse()
        one.sort(key=_MOST, reverse=True)
    return bounds, asynchronous


def _resolution(a: int, b: int, c: int, d: int) -> int:
    """Return by how much the coarsest of these times may be mistaken, ns: whole ms or us are taken for cut off."""
    if not (a % 1_000_000 and b % 1_000_000 and c % 1_000_000 and d % 1_000_000):
        return 999_999
    return 0 if a % 1_000 and b % 1_000 and c % 1_000 and d % 1_000 else 999


@dataclass(slots=True)
class _System:
    """Difference constraints; of the bounds between two hosts in one direction the last one counts, the tightest."""

    hosts: Sequence[str]
    bounds: list[list[Bound]]

    def holds(self, offsets: Mapping[str, int]) -> bool:
        """Return whether no bound is broken, as far as the times' resolution tells."""
        return all(
            offsets[bound.later] - offsets[bound.earlier] <= bound.most + bound.tolerance
            for bound in (one[-1] for one in self.bounds)
        )

    def make_feasible(self) -> tuple[set[int], set[int]]:
        """Take bounds away until some clocks hold; return the calls that were not waited for, and that cannot be."""
        asynchronous: set[int] = set()
        contradicting: set[int] = set()
        looks = 0
        while looks < LOOKS_MAX:
            circle = self._negative_circle()
            if not circle:
                return asynchronous, contradicting
            looks += len(self.bounds) * (len(self.hosts) + 1)
            worst = min(circle, key=lambda one: (not one[-1].answer, one[-1].most, one[-1].call))
            bound = worst.pop()
            (asynchronous if bound.answer else contradicting).add(bound.call)
            if not worst:
                self.bounds.remove(worst)
        self.bounds.clear()
        return asynchronous, contradicting

    def _negative_circle(self) -> list[list[Bound]]:
        """Return bounds that contradict each other, none if there are none (Bellman-Ford from everywhere at once)."""
        distance = dict.fromkeys(self.hosts, 0)
        came: dict[str, list[Bound]] = {}
        changed = ""
        for _ in range(len(self.hosts) + 1):
            changed = ""
            for one in self.bounds:
                bound = one[-1]
                if distance[bound.earlier] + bound.most < distance[bound.later]:
                    distance[bound.later] = distance[bound.earlier] + bound.most
                    came[bound.later] = one
                    changed = bound.later
            if not changed:
                return []
        for _ in range(len(self.hosts)):
            changed = came[changed][-1].earlier
        circle, node = [came[changed]], came[changed][-1].earlier
        while node != changed:
            circle.append(came[node])
            node = came[node][-1].earlier
        return circle


class _Apart:
    """How far any two clocks can be apart by way of all others: all shortest paths (Floyd and Warshall)."""

    def __init__(self, hosts: Sequence[str], bounds: Sequence[Sequence[Bound]]) -> None:
        self._number = {host: n for n, host in enumerate(hosts)}
        count = len(hosts)
        self._most = [[0 if a == b else _FAR for b in range(count)] for a in range(count)]
        for one in bounds:
            row, later = self._most[self._number[one[-1].earlier]], self._number[one[-1].later]
            row[later] = min(row[later], one[-1].most)
        for way, through in enumerate(self._most):
            onward = [(later, most) for later, most in enumerate(through) if most < _FAR]
            for row in self._most:
                so_far = row[way]
                if so_far < _FAR:
                    for later, most in onward:
                        row[later] = min(row[later], so_far + most)

    def room(self, host: str, fixed: Mapping[str, int]) -> tuple[int | None, int | None]:
        """Return between which offsets a host's is, given those of others; None where nothing bounds it."""
        own = self._number[host]
        highs = [
            offset + most for name, offset in fixed.items() if (most := self._most[self._number[name]][own]) < _FAR
        ]
        lows = [offset - most for name, offset in fixed.items() if (most := self._most[own][self._number[name]]) < _FAR]
        return max(lows, default=None), min(highs, default=None)
