"""A system drawn from a seed: services in layers, what each does when it is called, and what it writes meanwhile.

The gateway is the outermost layer, and calls go inwards, so that no call comes back but a callback. Each operation is
called by something. Its lines say what an ordinary service says: some name whom they ask, some do not, some calls are
made without a word (QUIET), some operations end without one (SILENT_END). Some calls depend on the request
(CONDITIONAL): were all requests of a route alike, no lines could tell a call of A by B from one by B's caller.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .features import Features

__all__ = ["Blueprint", "Call", "Operation", "draw"]

SERVICES_MAX = 300
LAYERS_MAX = 5
QUIET = 0.3
SILENT_END = 0.1
CONDITIONAL = 0.3

AREAS = ["shop", "bank", "depot", "travel", "media", "school", "clinic", "farm", "city", "club"]
NOUNS = [
    "order", "cart", "payment", "stock", "price", "user", "session", "address", "invoice", "parcel", "coupon", "review",
    "search", "image", "profile", "token", "ledger", "route", "seat", "ticket", "menu", "basket", "refund", "quota",
    "notice", "letter", "report", "badge", "device", "sensor", "tariff", "meter",
]  # fmt: skip
VERBS = ["load", "find", "create", "check", "update", "list", "reserve", "confirm"]
FIRST = [
    "{verb} {noun} requested",
    "GET /{noun}/{verb} id={{id}}",
    "handling {verb} of {noun} {{id}}",
    "received a {noun} to {verb}",
]
WORK = ["{noun} {{id}} has {{count}} entries", "looked at row {{id}} of {noun}", "{verb}: rules of {noun} hold"]
LAST = ["{verb} {noun} done in {{count}} ms", "200 /{noun}/{verb}", "finished {verb} of {noun} {{id}}"]
BEFORE = ["asking {target}", "POST http://{target}:8080/{callee}", "going on to step {step}"]
AFTER = ["{target} answered in {{count}} ms", "step {step} is done"]


@dataclass(frozen=True)
class Call:
    """How an operation calls another one."""

    operation: int
    before: str
    """The caller's line before it; empty for none."""
    after: str
    made: float
    """How often the request needs it."""
    fan_out: bool
    queued: bool
    cached: float
    """How often there is no call."""
    hit: str
    """The caller's line then; empty for none."""
    retried: float
    """How often it takes two attempts."""
    times_out: bool
    """Whether the first attempt then works on, and nobody waits; else it fails."""
    callback: int | None
    """The operation of the caller's service that is called when the work is done."""


@dataclass(frozen=True)
class Operation:
    """What a service does when it is called in one way."""

    service: int
    name: str
    first: str
    works: tuple[str, ...]
    last: str
    calls: tuple[Call, ...]
    threads: int | None
    """How many of its calls are made at a time; None for all."""
    background: tuple[str, ...]
    """What a thread that nobody waits for writes before it makes the last call, and after; empty if there is none."""


@dataclass(frozen=True)
class Blueprint:
    """A system. The operations of `roots` are called from outside."""

    seed: int
    services: tuple[str, ...]
    operations: tuple[Operation, ...]
    roots: tuple[int, ...]
    features: Features


@dataclass(frozen=True)
class _Place:
    """What an operation is called by, before it is known what it does."""

    service: int
    verb: str
    noun: str


def draw(services: int, features: Features, *, seed: int) -> Blueprint:
    """Return a system of 2 to 300 services. The same seed draws the same calls, whatever the features are."""
    if not 2 <= services <= SERVICES_MAX:
        raise ValueError(f"a system has 2 to {SERVICES_MAX} services, not {services}")
    rng = random.Random(f"{seed} {services}")
    layers = min(LAYERS_MAX, services)
    layer = [0] + [1 + n * (layers - 1) // (services - 1) for n in range(services - 1)]
    names = _names(services)
    places = [_Place(0, VERBS[n % len(VERBS)], NOUNS[n // len(VERBS)]) for n in range(max(2, services // 6))]
    for service in range(1, services):
        places += [_Place(service, verb, names[service]) for verb in rng.sample(VERBS, rng.choice([1, 1, 2]))]
    wanted = _calls(rng, [layer[place.service] for place in places])
    operations = [
        _operation(random.Random(f"{seed} {services} {n}"), names, places, n, calls) for n, calls in enumerate(wanted)
    ]
    roots = tuple(n for n, place in enumerate(places) if place.service == 0)
    featured = _with_features(operations, features, seed)
    return Blueprint(seed, tuple(names), tuple(featured), roots, features)


def _names(services: int) -> list[str]:
    """Return names without digits: those would be taken for values."""
    inner = [f"{area}-{noun}" for area in AREAS for noun in NOUNS] if services > len(NOUNS) else NOUNS
    return ["gateway", *inner[: services - 1]]


def _calls(rng: random.Random, layers: list[int]) -> list[list[int]]:
    """Return for each operation those that it calls: mostly of the next layer, each operation by somebody."""
    calls: list[list[int]] = []
    for layer in layers:
        deeper = [n for n, other in enumerate(layers) if other > layer]
        next_one = [n for n in deeper if layers[n] == layer + 1]
        among = next_one if rng.random() < 0.8 else deeper
        wanted = rng.choice([0, 1, 1, 2]) if layer else rng.choice([2, 3, 4])
        calls.append(rng.sample(among, min(len(among), wanted)))
    called = {n for own in calls for n in own}
    for n, layer in enumerate(layers):
        if layer and n not in called:
            above = [m for m, other in enumerate(layers) if other == layer - 1]
            calls[min(rng.sample(above, min(3, len(above))), key=lambda m: len(calls[m]))].append(n)
    return calls


def _operation(rng: random.Random, names: list[str], places: list[_Place], number: int, calls: list[int]) -> Operation:
    """Return an operation that makes its calls one after the other."""
    place = places[number]

    def text(choices: list[str], **words: str) -> str:
        return rng.choice(choices).format(verb=place.verb, noun=place.noun, **words)

    made = []
    for step, callee in enumerate(calls):
        words = {"target": names[places[callee].service], "callee": places[callee].verb, "step": "abcdefgh"[step]}
        before, after = text(BEFORE, **words), text(AFTER, **words)
        quiet = rng.random() < QUIET, rng.random() < 2 * QUIET
        made.append(
            Call(
                operation=callee,
                before="" if quiet[0] else before,
                after="" if quiet[1] else after,
                made=0.5 if rng.random() < CONDITIONAL else 1.0,
                fan_out=False,
                queued=False,
                cached=0.0,
                hit="",
                retried=0.0,
                times_out=False,
                callback=None,
            )
        )
    works = tuple(text([choice]) for choice in rng.sample(WORK, rng.choice([0, 0, 1])))
    first, last, silent = text(FIRST), text(LAST), rng.random() < SILENT_END
    return Operation(place.service, place.verb, first, works, "" if silent else last, tuple(made), 1, ())


def _with_features(operations: list[Operation], features: Features, seed: int) -> list[Operation]:
    """Return the operations, and those that take callbacks."""
    featured = list(operations)
    for number, operation in enumerate(operations):
        rng = random.Random(f"{seed} {len(operations)} {number} features")
        calls = [_featured(rng, call, features) for call in operation.calls]
        parallel, pool, background = (rng.random() for _ in range(3))
        for at, (call, draws) in enumerate(zip(calls, [rng.random() for _ in calls], strict=True)):
            if draws < features.callback and not call.queued:
                calls[at] = replace(call, callback=len(featured))
                featured.append(_callback(operation, operations[call.operation]))
        threads: int | None = 1
        if len(calls) > 1:
            threads = None if parallel < features.parallel else 2 if pool < features.pool else 1
        left: tuple[str, ...] = ()
        if calls and background < features.pool:
            left = (f"in the background: {operation.name} goes on", f"in the background: {operation.name} has ended")
        silent = rng.random() < SILENT_END
        featured[number] = replace(
            operation, calls=tuple(calls), threads=threads, background=left[:1] if silent else left
        )
    return featured


def _featured(rng: random.Random, call: Call, features: Features) -> Call:
    fan_out, queue, cache, hit, retry, times_out = (rng.random() for _ in range(6))
    return replace(
        call,
        fan_out=fan_out < features.fan_out,
        queued=queue < features.queue,
        cached=0.5 if cache < features.cache else 0.0,
        hit="found in the cache, {id} is fresh" if hit < 0.5 else "",
        retried=0.3 if retry < features.retry else 0.0,
        times_out=times_out < 0.5,
    )


def _callback(caller: Operation, callee: Operation) -> Operation:
    first = f"callback: {callee.name} for {caller.name} has ended"
    return Operation(caller.service, "callback", first, (), f"{caller.name} goes on with {{id}}", (), 1, ())
