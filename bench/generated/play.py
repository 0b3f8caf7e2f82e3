"""Transactions of a made-up system: the lines they leave, and the spans that are the truth.

Time is computed, not waited for: serving an operation returns when it answers. What nobody waits for is served from its
own time on, and its lines fall between others'.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from heapq import heapreplace

from clew_collector.event import Event

from .blueprint import Blueprint, Call, Operation

__all__ = ["Played", "play"]

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
APART_NS = 500 * MS


@dataclass
class Played:
    """Events in order of time within each transaction, beside each the span that wrote it, and all spans."""

    events: list[Event] = field(default_factory=list)
    span_ids: list[str] = field(default_factory=list)
    spans: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """For each transaction, for each span its parent (empty for none) and its service."""


def play(system: Blueprint, transactions: int) -> Played:
    """Return so many transactions; more of them begin with the same ones."""
    played = Played()
    for number in range(transactions):
        _Transaction(system, number).play(played)
    return played


@dataclass(frozen=True)
class _Line:
    time: int
    span: str
    service: int
    pod: int
    text: str


@dataclass
class _Invocation:
    """One operation at work in one pod."""

    span: str
    operation: Operation
    pod: int


class _Transaction:
    def __init__(self, system: Blueprint, number: int) -> None:
        self._system, self._number = system, number
        self._rng = random.Random(f"{system.seed} transaction {number}")
        self._lines: list[_Line] = []
        self._spans: dict[str, tuple[str, str]] = {}

    def play(self, into: Played) -> None:
        name = f"{self._rng.getrandbits(128):032x}"
        self._serve(self._rng.choice(self._system.roots), "", START_NS + self._number * APART_NS)
        into.spans[name] = self._spans
        for place, line in enumerate(sorted(self._lines, key=lambda line: (line.time, line.span))):
            into.span_ids.append(line.span)
            into.events.append(self._event(name, place, line))

    def _serve(self, number: int, parent: str, at: int, *, fails: bool = False, then: int | None = None) -> int:
        """Do an operation from this time on; return when it answers. `then`: answer first, and call this at the end."""
        operation = self._system.operations[number]
        span = f"{self._rng.getrandbits(64):016x}"
        self._spans[span] = parent, self._system.services[operation.service]
        here = _Invocation(span, operation, self._rng.randrange(self._system.features.pods))
        at = self._write(here, operation.first, at)
        if fails:
            return self._write(here, f"{operation.name} failed: connection reset", at)
        answered = at
        if then is not None:
            at += self._between(5, 60)
        for text in operation.works:
            at = self._write(here, text, at)
        calls = operation.calls[:-1] if operation.background else operation.calls
        at = self._call_all(here, calls, operation.threads, at)
        if operation.background:
            self._go_on(here, operation.calls[-1], at + self._between(1, 10))
        if operation.last:
            at = self._write(here, operation.last, at)
        if then is None:
            return at
        self._serve(then, span, at + self._between(0.5, 2))
        return answered

    def _go_on(self, here: _Invocation, call: Call, at: int) -> None:
        """Make the call in a thread that nobody waits for."""
        begun, *ended = here.operation.background
        at = self._call(here, call, self._write(here, begun, at))
        for text in ended:
            self._write(here, text, at)

    def _call_all(self, here: _Invocation, calls: tuple[Call, ...], threads: int | None, at: int) -> int:
        """Make the calls, so many at a time; return when the last one is through."""
        wanted = [call for call in calls for _ in range(self._rng.randint(2, 5) if call.fan_out else 1)]
        free = [at] * (threads or max(1, len(wanted)))
        for call in wanted:
            heapreplace(free, self._call(here, call, free[0]))
        return max(free)

    def _call(self, here: _Invocation, call: Call, at: int) -> int:
        """Call another operation, if the request needs it; return when the caller goes on."""
        if self._rng.random() >= call.made:
            return at
        if self._rng.random() < call.cached:
            return self._write(here, call.hit, at) if call.hit else at
        at = self._write(here, call.before, at) if call.before else at + self._between(0.1, 0.5)
        if call.queued:
            self._serve(call.operation, here.span, at + self._between(5, 80))
            return at
        if self._rng.random() < call.retried:
            at = self._attempt_in_vain(here, call, at)
        at = self._serve(call.operation, here.span, at + self._between(0.3, 2), then=call.callback)
        at += self._between(0.3, 2)
        return self._write(here, call.after, at) if call.after else at

    def _attempt_in_vain(self, here: _Invocation, call: Call, at: int) -> int:
        sent = at + self._between(0.3, 2)
        if call.times_out:
            self._serve(call.operation, here.span, sent)
            return self._write(here, "no answer in time, trying again", sent + self._between(2, 6))
        failed = self._serve(call.operation, here.span, sent, fails=True)
        return self._write(here, "an attempt failed, trying again", failed + self._between(0.3, 2))

    def _write(self, here: _Invocation, text: str, at: int) -> int:
        """Write a line; return when the next thing can happen."""
        told = text.format(id=self._rng.randrange(10**6), count=self._rng.randrange(100))
        self._lines.append(_Line(at, here.span, here.operation.service, here.pod, told))
        return at + self._between(0.1, 1.0)

    def _between(self, low_ms: float, high_ms: float) -> int:
        return round(self._rng.uniform(low_ms, high_ms) * MS)

    def _event(self, name: str, place: int, line: _Line) -> Event:
        service = self._system.services[line.service]
        pod = f"{service}-{line.pod}"
        host = (line.service * 7 + line.pod * 3) % max(3, len(self._system.services) // 4)
        return Event(
            event_id=f"{self._number:016x}{place:016x}",
            timestamp=line.time,
            observed_timestamp=line.time,
            service=service,
            instance=pod,
            host=f"host-{host}",
            source=f"/var/log/{pod}.log",
            offset=(self._number * 10_000 + place) * 100,
            length=100,
            transaction_id=name,
            transaction_origin="line",
            body=line.text,
        )
