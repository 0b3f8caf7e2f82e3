"""All readings of a transaction that are worth a thought, and what they are worth.

A reading is what is thought to be open after some lines: stacks of invocations, the main one first; what was started
and not waited for (a queue's consumer, a parallel call) is on a stack of its own. A line goes on with an invocation of
its stream that is open (what is above it ends), or begins a new one, called by any open invocation (what is above that
one ends). Stacks and readings are shared between lines and transactions; what can come of a reading by a line is worked
out once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .automaton import END, OUTSIDE, Automaton, State
from .sequence import STREAMS_MAX, Trail

__all__ = ["BEAM", "GOES_ON", "NOBODY", "SPAWNED", "Arc", "Lattice", "Readings", "Step"]

BEAM = 24
KEEP_MIN = 1e-6
"""Readings this much less likely than the best are dropped, and ways on from a reading than its best one."""
DEPTH_MAX = 24
"""How many open invocations a line may end at once."""
SIDES_MAX = 16
"""Stacks beside the main one; the oldest is taken to have ended when there are more."""
SECOND_ROOT = 1e-3
REENTRANT = 0.02
"""For a call of a service that is at work already."""
KEYS_MAX = 100_000
"""Worked-out ways that are remembered; beyond, everything is forgotten and worked out anew."""
PROBABILITY_MIN = 1e-200


NOBODY = -1
GOES_ON = -2
SPAWNED = -3

Arc = tuple[int, int, int, float, float]
"""Reading before, reading after, step, its probability, its posterior."""


class Step(NamedTuple):
    """What a line can do to a reading; readings that differ in what it does not touch have it in common."""

    events: tuple[tuple[State, int], ...]
    factor: float
    thread: int
    """Which stack of the reading."""
    pops: int
    """How many of its invocations ended before."""
    caller: int
    """Stream of the caller when the line begins an invocation, else one of NOBODY, GOES_ON, SPAWNED."""
    by_root: bool
    silent: int = NOBODY
    """Stream of an invocation in between, called by `caller` and calling this one, whose first line is missing."""


@dataclass(slots=True)
class Readings:
    """The lattice of one transaction."""

    loss: float
    """Minus the logarithm of the probability of all these lines."""
    levels: list[list[Arc]]
    """For each line the arcs that survived."""
    last: dict[int, float]
    """Posterior of each reading after the last line."""


@dataclass(slots=True)
class Lattice:
    """Works out readings under a model. Reading 0 is the start: nothing is open."""

    automaton: Automaton
    beam: int = BEAM
    star: float = 1.0
    """Weight of calls that are not made by a root."""
    missing: float = 0.0
    """Share of lines that are thought to be missing."""
    sides_max: int = SIDES_MAX
    keys_max: int = KEYS_MAX
    spawned: Mapping[int, float] = field(default_factory=dict)
    """Kinds of lines that may begin an invocation that nobody waits for, and how readily they do."""
    forbidden: frozenset[tuple[int, int]] = frozenset()
    """Calls `(stream of the caller, kind of first line)` that are never made; `renew` when they change."""
    stacks: list[tuple[int, int, State]] = field(default_factory=lambda: [(-1, NOBODY, OUTSIDE)])
    """Each stack is its top on another stack: `(below, stream, state)`; the 0th is the outside alone."""
    readings: list[tuple[int, ...]] = field(default_factory=lambda: [(0,)])
    steps: list[Step] = field(default_factory=list)
    worked: int = 0
    """Arcs that were looked at so far, also those dropped at once: what reading costs, the same on every machine.

    Budgets are spent by it, and decide how much is tried: not counting some would change what is learned.
    """
    _step_numbers: dict[Step, int] = field(default_factory=dict)
    _stack_numbers: dict[tuple[int, int, State], int] = field(default_factory=dict)
    _reading_numbers: dict[tuple[int, ...], int] = field(default_factory=dict)
    _after: dict[tuple[int, int, int], list[tuple[int, int]]] = field(default_factory=dict)
    _values: dict[int, float] = field(default_factory=dict)
    _weighed: dict[tuple[int, int, int], list[tuple[int, int, float]]] = field(default_factory=dict)
    _ends: dict[int, float] = field(default_factory=dict)

    def renew(self) -> None:
        """Forget all probabilities; to be called when the model has changed."""
        self._values.clear()
        self._weighed.clear()
        self._ends.clear()

    def rebuild(self) -> None:
        """Forget everything that was worked out; to be called when what is likely has changed, too."""
        self.renew()
        self._after.clear()
        self.steps.clear()
        del self.stacks[1:], self.readings[1:]
        self._step_numbers.clear()
        self._stack_numbers.clear()
        self._reading_numbers.clear()

    @property
    def full(self) -> bool:
        """Whether the next transaction's reading forgets all numbers of steps and readings that were told so far."""
        return len(self._after) > self.keys_max

    def read(self, trail: Trail) -> Readings:
        """Return the readings of a transaction. Never empty: whatever the lines are, something explains them."""
        if self.full:
            self.rebuild()
        level: dict[int, float] = {0: 1.0}
        alphas = [level]
        levels: list[list[tuple[int, int, int, float]]] = []
        loss = 0.0
        weighed, beam = self._weighed, self.beam
        for stream, kind in zip(trail.streams, trail.kinds, strict=True):
            found: list[tuple[int, list[tuple[int, int, float]]]] = []
            after: dict[int, float] = {}
            for reading, alpha in level.items():
                key = (reading, stream, kind)
                ways = weighed.get(key)
                if ways is None:
                    ways = self._weigh(key)
                found.append((reading, ways))
                self.worked += len(self._after[key])
                for target, _, p in ways:
                    after[target] = after.get(target, 0.0) + alpha * p
            floor = max(after.values()) * KEEP_MIN
            if len(after) > beam:
                floor = max(floor, sorted(after.values(), reverse=True)[beam - 1])
            level = {reading: v for reading, v in after.items() if v >= floor}
            total = sum(level.values())
            level = {reading: v / total for reading, v in level.items()}
            loss -= math.log(total)
            alphas.append(level)
            levels.append([(a, b, step, p / total) for a, ways in found for b, step, p in ways if b in level])
        last = {reading: v * self.ending(reading) for reading, v in level.items()}
        total = sum(last.values())
        beta = {reading: self.ending(reading) / total for reading in level}
        return Readings(
            loss - math.log(total),
            _backward(levels, alphas, beta),
            {reading: v / total for reading, v in last.items()},
        )

    def ending(self, reading: int) -> float:
        """Return the probability that everything ends."""
        known = self._ends.get(reading)
        if known is None:
            known = 1.0
            for state in self.open_states(reading):
                known *= self.automaton.probability(state, END)
            known = self._ends[reading] = max(known, PROBABILITY_MIN)
        return known

    def open_states(self, reading: int) -> Iterator[State]:
        """Yield the state of every invocation that is open."""
        for thread in self.readings[reading]:
            at = thread
            while at:
                at, _, state = self.stacks[at]
                yield state

    def surprise(self, step: int) -> float:
        """Return minus the logarithm of the probability of the step."""
        return -math.log(self._value(step))

    def _weigh(self, key: tuple[int, int, int]) -> list[tuple[int, int, float]]:
        ways = self._after.get(key)
        if ways is None:
            ways = self._after[key] = self._expand(*key)
        if self.forbidden:
            ways = [way for way in ways if not self._is_forbidden(self.steps[way[1]])] or ways
        values = [(target, step, self._value(step)) for target, step in ways]
        floor = KEEP_MIN * max(p for _, _, p in values)  # what is below would be dropped right after
        weighed = self._weighed[key] = [way for way in values if way[2] >= floor]
        return weighed

    def _is_forbidden(self, step: Step) -> bool:
        return step.caller >= 0 and (step.caller, step.events[-1][1] - self.automaton.prior.kinds) in self.forbidden

    def _value(self, number: int) -> float:
        value = self._values.get(number)
        if value is None:
            step = self.steps[number]
            value = step.factor
            if step.caller >= 0 and not step.by_root:
                value *= self.star
            for state, event in step.events:
                value *= self.automaton.probability(state, event)
            value = self._values[number] = max(value, PROBABILITY_MIN)
        return value

    def _expand(self, reading: int, stream: int, kind: int) -> list[tuple[int, int]]:
        ways: list[tuple[int, int]] = []
        threads = self.readings[reading]
        for number in range(len(threads)):
            self._expand_thread(ways, threads, number, stream, kind)
        if reading and kind in self.spawned:
            side = self._stack(0, stream, (kind, 0, 0))
            kept = threads if len(threads) <= self.sides_max else (threads[0], *threads[2:])
            ways.append((self._reading((*kept, side)), self._step(Step((), self.spawned[kind], -1, 0, SPAWNED, False))))
        return ways

    def _expand_thread(
        self, ways: list[tuple[int, int]], threads: tuple[int, ...], number: int, stream: int, kind: int
    ) -> None:
        """Add what the line can do to one stack."""
        kinds = self.automaton.prior.kinds
        at = threads[number]
        opened = list(self._streams(at))
        ended: tuple[tuple[State, int], ...] = ()
        at = threads[number]
        for pops in range(DEPTH_MAX):
            below, owner, state = self.stacks[at]
            if owner == stream:
                top = self._stack(below, stream, (kind, 0, 0))
                step = Step((*ended, (state, kind)), 1.0, number, pops, GOES_ON, False)
            elif at == 0 and number > 0:
                break
            else:
                factor = REENTRANT if stream in opened[pops:] else 1.0
                if at == 0 and state == OUTSIDE and (len(threads) > 1 or threads[0]):
                    factor *= SECOND_ROOT
                a, c, _ = state
                caller = self._stack(below, owner, (a, kind, c)) if at else 0
                top = self._stack(caller, stream, (kind, 0, 0))
                step = Step((*ended, (state, kinds + kind)), factor, number, pops, owner, below == 0 and number == 0)
            ways.append((self._reading((*threads[:number], top, *threads[number + 1 :])), self._step(step)))
            if self.missing:
                self._expand_silent(ways, (threads, number, pops), (at, ended), stream, kind)
            if at == 0:
                break
            ended = (*ended, (state, END))
            at = below

    def _expand_silent(
        self,
        ways: list[tuple[int, int]],
        place: tuple[tuple[int, ...], int, int],
        top: tuple[int, tuple[tuple[State, int], ...]],
        stream: int,
        kind: int,
    ) -> None:
        """Add ways by which an invocation whose first line is missing was called and calls the one that begins."""
        threads, number, pops = place
        at, ended = top
        below, owner, state = self.stacks[at]
        automaton, prior = self.automaton, self.automaton.prior
        kinds = prior.kinds
        for begun in automaton.likely_calls(state):
            between = prior.service[begun] * STREAMS_MAX
            if between in (owner, stream) or between in self._streams(at):
                continue
            inner = (begun, 0, 0)
            if kind not in automaton.likely_calls(inner):
                continue
            a, c, _ = state
            caller = self._stack(below, owner, (a, begun, c)) if at else 0
            silent = self._stack(caller, between, (begun, kind, 0))
            called = self._stack(silent, stream, (kind, 0, 0))
            step = Step(
                (*ended, (state, kinds + begun), (inner, kinds + kind)),
                self.missing,
                number,
                pops,
                owner,
                True,
                between,
            )
            ways.append((self._reading((*threads[:number], called, *threads[number + 1 :])), self._step(step)))

    def _streams(self, stack: int) -> Iterator[int]:
        for _ in range(DEPTH_MAX):
            if not stack:
                return
            stack, owner, _ = self.stacks[stack]
            yield owner

    def _step(self, step: Step) -> int:
        number = self._step_numbers.get(step)
        if number is None:
            number = self._step_numbers[step] = len(self.steps)
            self.steps.append(step)
        return number

    def _stack(self, below: int, stream: int, state: State) -> int:
        key = (below, stream, state)
        number = self._stack_numbers.get(key)
        if number is None:
            number = self._stack_numbers[key] = len(self.stacks)
            self.stacks.append(key)
        return number

    def _reading(self, threads: tuple[int, ...]) -> int:
        number = self._reading_numbers.get(threads)
        if number is None:
            number = self._reading_numbers[threads] = len(self.readings)
            self.readings.append(threads)
        return number


def _backward(
    levels: Sequence[Sequence[tuple[int, int, int, float]]],
    alphas: Sequence[Mapping[int, float]],
    beta: Mapping[int, float],
) -> list[list[Arc]]:
    """Return the arcs with their posteriors; those of readings from which nothing goes on are left out."""
    told: list[list[Arc]] = [[] for _ in levels]
    for i in range(len(levels) - 1, -1, -1):
        alpha = alphas[i]
        before: dict[int, float] = {}
        arcs = told[i]
        for a, b, step, p in levels[i]:
            if b in beta:
                v = p * beta[b]
                before[a] = before.get(a, 0.0) + v
                arcs.append((a, b, step, p, alpha[a] * v))
        beta = before
    return told
