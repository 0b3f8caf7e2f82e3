"""From the readings of a transaction to one call tree, with the probability of each edge summed over all readings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .lattice import GOES_ON, NOBODY, SPAWNED, Lattice, Readings, Step
from .senders import Senders
from .sequence import Trail

__all__ = ["Decoded", "DecodedCall", "decode"]


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """Who called an invocation."""

    parent: int | None
    probability: float
    """That it begins here and that this service instance called it, over all readings."""
    first: int
    """Place of its first line in the trail."""
    spawned: bool
    """Whether nobody waited for it."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The likeliest reading. Invocations count from 0 in the order of their first lines."""

    invocation: tuple[int, ...]
    calls: tuple[DecodedCall, ...]
    loss: float


def decode(lattice: Lattice, trail: Trail, senders: Senders) -> Decoded:
    """Return the likeliest tree of the transaction's invocations."""
    if not len(trail):
        return Decoded((), (), 0.0)
    readings = lattice.read(trail)
    return _Replay(lattice, trail, readings, senders).run(_likeliest(lattice, readings))


def _likeliest(lattice: Lattice, readings: Readings) -> list[int]:
    """Return the steps of the likeliest path through the lattice (Viterbi)."""
    best: dict[int, float] = {0: 0.0}
    back: list[dict[int, tuple[int, int]]] = []
    for arcs in readings.levels:
        scores: dict[int, float] = {}
        came: dict[int, tuple[int, int]] = {}
        for before, after, step, p, _ in arcs:
            if before in best:
                score = best[before] + math.log(p)
                if after not in scores or score > scores[after]:
                    scores[after] = score
                    came[after] = before, step
        best = scores
        back.append(came)
    at = max(best, key=lambda reading: (best[reading] + math.log(lattice.ending(reading)), -reading))
    path: list[int] = []
    for came in reversed(back):
        at, step = came[at]
        path.append(step)
    path.reverse()
    return path


class _Replay:
    """Replays a path of steps; an invocation that left no line is passed over in the end."""

    def __init__(self, lattice: Lattice, trail: Trail, readings: Readings, senders: Senders) -> None:
        self._lattice, self._trail, self._readings, self._senders = lattice, trail, readings, senders
        self._calls: list[DecodedCall] = []
        self._invocation: list[int] = []

    def run(self, path: list[int]) -> Decoded:
        threads: list[list[int]] = [[]]
        for place, number in enumerate(path):
            step = self._lattice.steps[number]
            if step.caller == SPAWNED:
                threads.append([])
                if len(threads) > self._lattice.sides_max + 1:
                    del threads[1]
            stack = threads[step.thread]
            if step.pops:
                del stack[len(stack) - step.pops :]
            if step.caller == SPAWNED:
                stack.append(self._go_on_or_begin(place))
            elif step.caller != GOES_ON:
                stack.append(self._begin(step, place, stack))
            self._invocation.append(stack[-1])
        return self._without_silent()

    def _go_on_or_begin(self, place: int) -> int:
        """Return the invocation of what nobody waited for: an earlier one if it is its own service that sent for it."""
        sender, share = self._sender(place)
        if self._trail.streams[self._calls[sender].first] == self._trail.streams[place]:
            return sender
        probability = share * self._probability(place, SPAWNED)
        self._calls.append(DecodedCall(sender, min(probability, 1.0), place, True))
        return len(self._calls) - 1

    def _begin(self, step: Step, place: int, stack: list[int]) -> int:
        parent = stack[-1] if stack else None
        if step.silent != NOBODY:
            self._calls.append(DecodedCall(parent, self._probability(place, step.silent), place, False))
            parent = len(self._calls) - 1
            stack.append(parent)
        probability = self._probability(place, _caller(step))
        self._calls.append(DecodedCall(parent, min(probability, 1.0), place, False))
        return len(self._calls) - 1

    def _probability(self, place: int, caller: int) -> float:
        steps = self._lattice.steps
        return sum(arc[4] for arc in self._readings.levels[place] if _caller(steps[arc[2]]) == caller)

    def _sender(self, place: int) -> tuple[int, float]:
        of_invocation: dict[int, float] = {}
        of_stream: dict[int, float] = {}
        weights = self._senders.weights(self._trail, place)
        for number, stream, weight in zip(self._invocation, self._trail.streams, weights, strict=False):
            of_invocation[number] = of_invocation.get(number, 0.0) + weight
            of_stream[stream] = of_stream.get(stream, 0.0) + weight
        best = max(of_invocation, key=lambda number: (of_invocation[number], number))
        return best, of_stream[self._trail.streams[self._invocation.index(best)]]

    def _without_silent(self) -> Decoded:
        first: dict[int, int] = {}
        for place, old in enumerate(self._invocation):
            first.setdefault(old, place)
        number = {old: new for new, old in enumerate(first)}
        calls: list[DecodedCall] = []
        for old, place in first.items():
            call = self._calls[old]
            parent, probability = call.parent, call.probability
            while parent is not None and parent not in number:
                probability = min(probability, self._calls[parent].probability)
                parent = self._calls[parent].parent
            calls.append(DecodedCall(None if parent is None else number[parent], probability, place, call.spawned))
        return Decoded(tuple(number[old] for old in self._invocation), tuple(calls), self._readings.loss)


def _caller(step: Step) -> int:
    return step.caller if step.silent == NOBODY else step.silent
