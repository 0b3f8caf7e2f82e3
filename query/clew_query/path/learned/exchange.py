"""Clock offsets refined by what the model reads: a call is an exchange of times between two hosts.

The caller's line before a call and the callee's first line bound the difference of the clocks from above, the callee's
last line and the caller's next one from below. Over many calls the bounds are as tight as the fastest call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

__all__ = ["Exchanges", "Moved", "solve"]

QUANTILE = 0.01
SAMPLES_MIN = 10
SLACK_NS = 300_000.0
"""Less is no violation: clocks and stamps are not finer."""
KNOWN_SIGMA_NS = 1_000_000.0


class Moved(Enum):
    """Whether offsets are others than before, and why."""

    NOT = "not"
    CENTRED = "centred"
    """They violated nothing."""
    FORCED = "forced"
    """Calls excluded the ones before."""


@dataclass(slots=True)
class Exchanges:
    """Bounds by pair of hosts `(a, b)`, a < b, of clock b minus clock a, ns."""

    above: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    below: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def called(self, caller: str, callee: str, before: int, first: int) -> None:
        """Note that the caller wrote at `before` on its clock, and the callee then at `first` on its own."""
        self._note(caller, callee, first - before, self.above, self.below)

    def returned(self, caller: str, callee: str, last: int, after: int) -> None:
        """Note that the callee wrote at `last` on its clock, and the caller then at `after` on its own."""
        self._note(caller, callee, last - after, self.below, self.above)

    def _note(
        self,
        caller: str,
        callee: str,
        difference: int,
        straight: dict[tuple[str, str], list[int]],
        mirrored: dict[tuple[str, str], list[int]],
    ) -> None:
        if caller < callee:
            straight.setdefault((caller, callee), []).append(difference)
        elif callee < caller:
            mirrored.setdefault((callee, caller), []).append(-difference)


def solve(
    exchanges: Exchanges, offsets: Mapping[str, float], known: Mapping[str, float] | None, *, centre: bool = False
) -> tuple[dict[str, float], dict[str, float], Moved]:
    """Return offsets, how far each may be off, and whether they have moved.

    Offsets that violate nothing are left as they are, save with `centre`: those that nobody measured say no more than
    the intervals they lie in, whose middles are the best guess (as NTP's, RFC 5905, section 8). Least squares over the
    middles, the narrow intervals weighing more; what agents measured counts as such a middle, too.
    """
    hosts = sorted(offsets)
    index = {host: n for n, host in enumerate(hosts)}
    rows: list[tuple[int, int, float, float]] = []
    violated = False
    uncertainty: dict[str, float] = {}
    for pair in sorted(exchanges.above.keys() & exchanges.below.keys()):
        above, below = exchanges.above[pair], exchanges.below[pair]
        if min(len(above), len(below)) < SAMPLES_MIN or not set(pair) <= index.keys():
            continue
        high = float(np.quantile(above, QUANTILE))
        low = float(np.quantile(below, 1 - QUANTILE))
        difference = offsets[pair[1]] - offsets[pair[0]]
        violated |= not min(low, high) - SLACK_NS <= difference <= max(low, high) + SLACK_NS
        width = abs(high - low) / 2 + SLACK_NS
        rows.append((index[pair[0]], index[pair[1]], (low + high) / 2, width))
        for host in pair:
            uncertainty[host] = min(uncertainty.get(host, width), width)
    if not rows or not (violated or centre):
        return dict(offsets), uncertainty, Moved.NOT
    found = _least_squares(hosts, rows, offsets, known)
    if violated:
        return found, uncertainty, Moved.FORCED
    far = max(abs(found[host] - offsets[host]) for host in hosts) > SLACK_NS
    return (found, uncertainty, Moved.CENTRED) if far else (dict(offsets), uncertainty, Moved.NOT)


def _least_squares(
    hosts: Sequence[str],
    rows: Sequence[tuple[int, int, float, float]],
    offsets: Mapping[str, float],
    known: Mapping[str, float] | None,
) -> dict[str, float]:
    anchors = known or offsets
    sigma = KNOWN_SIGMA_NS if known else 1e3 * KNOWN_SIGMA_NS  # without agents only to fix the constant
    matrix = np.zeros((len(rows) + len(hosts), len(hosts)))
    right = np.zeros(len(matrix))
    for n, (a, b, middle, width) in enumerate(rows):
        matrix[n, a], matrix[n, b], right[n] = -1 / width, 1 / width, middle / width
    for n, host in enumerate(hosts):
        matrix[len(rows) + n, n] = 1 / sigma
        right[len(rows) + n] = anchors.get(host, 0.0) / sigma
    solution = np.linalg.lstsq(matrix, right, rcond=None)[0]
    return dict(zip(hosts, solution.tolist(), strict=True))
