"""Systems made up, with known truth: services that call each other, and log as services do.

Each operation writes a first line, calls others (one after the other, several at once, again after a failure, through a
queue, or not at all when a cache has it), mostly writes between and after, and ends. Same seed, same system.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from clew_collector.event import Event

__all__ = ["Features", "Generated", "generate"]

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Features:
    """What a system does, as probabilities."""

    parallel: float = 0.0
    """Of an operation with several calls to make them at once."""
    queue: float = 0.0
    """Of a call to go through a queue."""
    retry: float = 0.0
    """Of a call to be made twice."""
    cache: float = 0.0
    """Of a call not to be made."""
    quiet: float = 0.3
    """Of writing nothing between two calls."""
    silent_end: float = 0.1
    """Of an operation that has no last line."""
    pods: int = 1
    hosts: int = 6


@dataclass(frozen=True)
class Call:
    """A call of another operation."""

    operation: int
    queued: bool
    cached: float
    retried: float
    line_before: bool


@dataclass(frozen=True)
class Operation:
    """What a service does when it is called in one way."""

    service: int
    name: str
    calls: tuple[Call, ...]
    parallel: bool
    last_line: bool
    works: int
    """Lines that it writes by itself after the first one."""


@dataclass
class Generated:
    """Lines, and for each transaction the calls that were made: `(caller, callee)`, None for the outside."""

    events: list[Event] = field(default_factory=list)
    truth: dict[str, list[tuple[str | None, str]]] = field(default_factory=dict)


NOUNS = [
    "order", "cart", "payment", "stock", "price", "user", "session", "address", "invoice", "parcel", "coupon", "review",
    "search", "image", "profile", "token", "ledger", "route", "seat", "ticket", "menu", "basket", "refund", "quota",
    "notice", "letter", "report", "badge", "device", "sensor", "tariff", "meter",
]  # fmt: skip
VERBS = ["load", "find", "create", "check", "update", "list", "reserve", "confirm"]


def generate(services: int, transactions: int, features: Features, *, seed: int) -> Generated:
    """Return so many transactions of a system with so many services."""
    rng = random.Random(seed)
    names = [f"{NOUNS[n % len(NOUNS)]}{n // len(NOUNS) or ''}-service" for n in range(services)]
    operations = _operations(rng, services, features)
    roots = [n for n, operation in enumerate(operations) if operation.service == 0]
    made = Generated()
    for number in range(transactions):
        _Run(rng, names, operations, features, made, f"{rng.getrandbits(128):032x}", number).run(rng.choice(roots))
    return made


def _operations(rng: random.Random, services: int, features: Features) -> list[Operation]:
    """Return operations, of later services first made: calls go from earlier services to later ones."""
    made: list[Operation] = []
    of_service: dict[int, list[int]] = {}
    for service in reversed(range(services)):
        for verb in rng.sample(VERBS, rng.choice([1, 1, 2]) if service else min(4, 1 + services // 3)):
            below = range(service + 1, min(services, service + 1 + max(4, services // 4)))
            later = [n for other in below for n in of_service[other]]
            wanted = rng.choice([0, 1, 2, 3]) if service else rng.choice([2, 3, 4])
            chosen = rng.sample(later, min(len(later), wanted))
            calls = tuple(
                Call(
                    n,
                    rng.random() < features.queue,
                    0.5 if rng.random() < features.cache else 0.0,
                    0.3 if rng.random() < features.retry else 0.0,
                    rng.random() >= features.quiet,
                )
                for n in chosen
            )
            of_service.setdefault(service, []).append(len(made))
            made.append(
                Operation(
                    service,
                    verb,
                    calls,
                    len(calls) > 1 and rng.random() < features.parallel,
                    rng.random() >= features.silent_end,
                    rng.choice([0, 0, 1]),
                )
            )
    return made


class _Run:
    """One transaction."""

    def __init__(self, rng, names, operations, features, made, name, number) -> None:  # type: ignore[no-untyped-def] # noqa: PLR0917
        self.rng, self.names, self.operations, self.features = rng, names, operations, features
        self.made, self.name = made, name
        self.begin = START_NS + number * 500 * MS
        self.truth = made.truth.setdefault(name, [])

    def run(self, root: int) -> None:
        self._serve(root, None, self.begin)

    def _serve(self, number: int, caller: str | None, at: int) -> int:
        """Do an operation from this time on; return when it answers."""
        operation = self.operations[number]
        service = self.names[operation.service]
        pod = self.rng.randrange(self.features.pods)
        self.truth.append((caller, service))

        def log(text: str, time: int) -> int:
            self._log(operation.service, pod, text, time)
            return time + self._span(0.2, 1.0)

        noun = service.split("-")[0]
        at = log(f"{operation.name} {noun} requested", at)
        for step in range(operation.works):
            at = log(f"{operation.name} {noun} step {'abc'[step]} id={self.rng.randrange(10**6)}", at)
        if operation.parallel:
            at = self._all_at_once(operation, service, at)
        else:
            at = self._in_turn(operation, service, at, log)
        if operation.last_line:
            at = log(f"{operation.name} {noun} done in {self.rng.randrange(100)} ms", at)
        return at

    def _in_turn(self, operation: Operation, service: str, at: int, log) -> int:  # type: ignore[no-untyped-def]
        for call in operation.calls:
            if self.rng.random() < call.cached:
                continue
            target = self.names[self.operations[call.operation].service].split("-")[0]
            if call.line_before:
                at = log(f"{operation.name} asks {target}", at)
            for _ in range(2 if self.rng.random() < call.retried else 1):
                sent = at + self._span(0.5, 2.0)
                if call.queued:
                    self._serve(call.operation, service, sent + self._span(5, 60))
                else:
                    at = self._serve(call.operation, service, sent) + self._span(0.5, 2.0)
        return at

    def _all_at_once(self, operation: Operation, service: str, at: int) -> int:
        ends = [
            self._serve(call.operation, service, at + self._span(0.5, 3.0))
            for call in operation.calls
            if self.rng.random() >= call.cached
        ]
        return max(ends, default=at) + self._span(0.5, 2.0)

    def _span(self, low_ms: float, high_ms: float) -> int:
        return round(self.rng.uniform(low_ms, high_ms) * MS)

    def _log(self, service: int, pod: int, text: str, time: int) -> None:
        number = len(self.made.events)
        host = f"host-{(service * 7 + pod * 3) % self.features.hosts}"
        self.made.events.append(
            Event(
                event_id=f"{number:032x}",
                timestamp=time,
                observed_timestamp=time,
                service=self.names[service],
                instance=f"{self.names[service]}-{pod}",
                host=host,
                source=f"/var/log/{self.names[service]}-{pod}.log",
                offset=number * 100,
                length=100,
                transaction_id=self.name,
                transaction_origin="line",
                body=text,
            )
        )


def transactions_of(generated: Generated) -> Iterator[list[Event]]:
    """Yield the lines of each transaction in order of time."""
    found: dict[str, list[Event]] = {}
    for event in generated.events:
        found.setdefault(event.transaction_id, []).append(event)
    for events in found.values():
        yield sorted(events, key=lambda event: (event.time, event.event_id))
