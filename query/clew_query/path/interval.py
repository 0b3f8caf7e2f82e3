"""Inference from one transaction alone: enclosing intervals, neighbouring lines, and names.

Candidates for a caller are the invocations of others that began before the callee and ended after it, innermost first,
and whoever wrote the line directly before. Each kind of evidence multiplies a candidate's odds by a round number that
says how much such evidence is worth in general (none was fitted to a data set); a caller that left no line competes
with odds of a half. What the numbers come to, with no other candidate:

    innermost, wrote directly before and after, names the callee   0.997
    innermost, wrote directly before and after                     0.98
    innermost, wrote directly before                               0.92
    ended before the callee began, wrote directly before           0.86
    innermost only                                                 0.8

Measured on two real systems with span ids withheld: expected calibration error 0.02 on a deep one, 0.29 on a hub that
writes nothing between its calls (there, a callee that was called twice looks like a caller of what came between).
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import islice

from .facts import Facts, stream_of
from .inference import Inferred, Link
from .naming import names, telling_words, words_of
from .segment import segment

__all__ = ["IntervalInference"]

CANDIDATES_MAX = 16
"""Enclosing invocations that are weighed, from the innermost; those further out are no likelier."""
ROOT_PROBABILITY = 0.95
"""That the very first invocation is the root: clocks may have put it first, or the true root left no line."""

_NOBODY = 0.5
"""For a caller that left no line."""
_INNERMOST = 2.0
_BEFORE = 3.0
_AFTER = 4.0
_NAMED = 6.0
_ENDED = 0.1
"""For a caller that wrote nothing after the call, where somebody else was at work all the time: callers do write."""


@dataclass(slots=True)
class _Runs:
    """The invocations as runs of line numbers, and the words of lines, made when first asked for."""

    facts: Facts
    invocation: list[int]
    lines: list[list[int]] = field(default_factory=list)
    words: dict[int, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, number in enumerate(self.invocation):
            if number == len(self.lines):
                self.lines.append([])
            self.lines[number].append(index)

    def first(self, number: int) -> int:
        return self.lines[number][0]

    def last(self, number: int) -> int:
        return self.lines[number][-1]

    def service(self, number: int) -> str:
        return self.facts.events[self.first(number)].service

    def same_stream(self, a: int, b: int) -> bool:
        events = self.facts.events
        return stream_of(events[self.first(a)]) == stream_of(events[self.first(b)])

    def names(self, caller: int, callee: int, telling: frozenset[str]) -> bool:
        """Return whether the caller's last line before the callee, or its first one after it, names the callee."""
        lines = self.lines[caller]
        before, after = bisect_left(lines, self.first(callee)), bisect_left(lines, self.last(callee))
        return any(
            names(self._words(lines[at]), telling)
            for at in {before - 1, after}
            if 0 <= at < len(lines)
        )  # fmt: skip

    def _words(self, index: int) -> frozenset[str]:
        found = self.words.get(index)
        if found is None:
            found = self.words[index] = words_of(self.facts.events[index])
        return found


class IntervalInference:
    """The inference that needs nothing but the transaction. n log n for n lines."""

    def infer(self, facts: Facts) -> Inferred:
        """Return invocations by replay of a call stack, parents by weighing candidates."""
        invocation = segment(facts)
        runs = _Runs(facts, invocation)
        telling = telling_words({event.service for event in facts.events})
        links: list[Link] = []
        open_until: list[tuple[int, int]] = []
        still_open: dict[int, None] = {}  # in the order of first lines
        for number in range(len(runs.lines)):
            while open_until and open_until[0][0] < runs.first(number):
                del still_open[heapq.heappop(open_until)[1]]
            enclosing = [
                other
                for other in islice(reversed(still_open), 2 * CANDIDATES_MAX)
                if runs.last(other) > runs.last(number) and not runs.same_stream(other, number)
            ][:CANDIDATES_MAX]
            links.append(_link(runs, number, enclosing, links, telling[runs.service(number)]))
            still_open[number] = None
            heapq.heappush(open_until, (runs.last(number), number))
        return Inferred(tuple(invocation), tuple(links))


def _link(runs: _Runs, number: int, enclosing: list[int], links: list[Link], telling: frozenset[str]) -> Link:
    first, last = runs.first(number), runs.last(number)
    if first == 0:
        return Link(None, ROOT_PROBABILITY, ("it wrote the first line",))
    before: int | None = runs.invocation[first - 1]
    if before is not None and runs.same_stream(before, number):
        # The same service was called just before: whoever called it then, if still at work, may have called it again.
        before = links[before].parent
        if before is not None and (runs.last(before) < first or runs.same_stream(before, number)):
            before = None
    after = runs.invocation[last + 1] if last + 1 < len(runs.invocation) else None
    candidates = dict.fromkeys([*enclosing, *([] if before is None else [before])])
    weighed: list[tuple[float, int, tuple[str, ...]]] = []
    for candidate in candidates:
        odds, evidence = _weigh(runs, candidate, number, enclosing=enclosing, before=before, after=after)
        if runs.names(candidate, number, telling):
            odds *= _NAMED
            evidence = (*evidence, "a line of it next to the call names the callee")
        weighed.append((odds, candidate, evidence))
    if not weighed:
        return Link(None, 0.5, ("nobody else was at work when it began",))
    odds, parent, evidence = max(weighed, key=lambda item: (item[0], item[1]))
    probability = odds / (_NOBODY + sum(item[0] for item in weighed))
    if len(weighed) > 1:
        evidence = (*evidence, f"{len(weighed) - 1} other possible caller{'s' if len(weighed) > 2 else ''}")
    return Link(parent, round(probability, 3), evidence)


def _weigh(
    runs: _Runs, candidate: int, number: int, *, enclosing: list[int], before: int | None, after: int | None
) -> tuple[float, tuple[str, ...]]:
    odds, evidence = 1.0, []
    if enclosing and candidate == enclosing[0]:
        odds *= _INNERMOST
        evidence.append("smallest interval around it")
    elif candidate in enclosing:
        evidence.append("its interval is around it")
    elif runs.last(candidate) < runs.first(number):
        evidence.append("had ended: a queue, or it wrote nothing after the call")
        if enclosing:
            odds *= _ENDED
    else:
        evidence.append("was at work when it began")
    if candidate == before:
        odds *= _BEFORE
        evidence.append("wrote the line before")
    if candidate == after:
        odds *= _AFTER
        evidence.append("wrote the line after")
    return odds, tuple(evidence)
