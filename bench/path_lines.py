"""How long reading the path of a transaction takes where it has only lines: 100 to 100,000, and 10,000 calls deep.

By nesting and order, which needs no model, and with a model learned from transactions of about 100 lines of the same
services. CPU of the fastest of some runs; nothing is cached between them. The garbage collector is paused, as the API
does it for answers.
"""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Callable, Sequence

from spans import LOOPS, SERVICES, cpu_ms

from clew_collector.event import Event
from clew_query.path import build_path
from clew_query.path.inference import Inference
from clew_query.path.interval import IntervalInference
from clew_query.path.learned import LearnedInference, Model, learn

START = 1_700_000_000_000_000_000
MS = 1_000_000
LEARNED_FROM = 100


def line(transaction: int, number: int, service: int, text: str) -> Event:
    return Event(
        event_id=f"{transaction:016x}{number:016x}",
        timestamp=START + transaction * 1000 * MS + number * MS // 10,
        observed_timestamp=START,
        service=f"service-{service}",
        host=f"host-{service}",
        source=f"service-{service}.log",
        offset=number,
        length=1,
        transaction_id=f"{transaction:032x}",
        transaction_origin="line",
        body=text,
    )


def bushy(transaction: int, count: int) -> list[Event]:
    """Return about so many lines of a job that calls again and again services that call on, or do not."""
    rng, events = random.Random(transaction), [line(transaction, 0, 0, "job taken")]

    def serve(service: int) -> None:
        events.append(line(transaction, len(events), service, "work asked for"))
        for callee in (2 * service + 1, 2 * service + 2):
            if callee < SERVICES and rng.random() < 0.7:
                serve(callee)
        events.append(line(transaction, len(events), service, "work done"))

    while len(events) < count - 1:
        serve(rng.choice((1, 2)))
        events.append(line(transaction, len(events), 0, "job goes on"))
    return events


def deep(transaction: int, count: int) -> list[Event]:
    """Return lines of so many calls, each within the one before."""
    services = [n % SERVICES for n in range(count)]
    texts = [(service, "work asked for") for service in services]
    texts += [(service, "work done") for service in reversed(services)]
    return [line(transaction, n, service, text) for n, (service, text) in enumerate(texts)]


def read_ms(events: Sequence[Event], inference: Callable[[], Inference]) -> float:
    times = 1 if len(events) > 50_000 else 3
    return cpu_ms(lambda: build_path(events, inference()), times=times)


def main() -> None:
    model: Model = learn([bushy(n, 100) for n in range(LEARNED_FROM)])
    ways: dict[str, Callable[[], Inference]] = {
        "nesting and order": IntervalInference,
        "model": lambda: LearnedInference(model),
    }
    rows = {}
    for name, events in {
        "100 lines": bushy(LEARNED_FROM + 1, 100),
        "10,000 lines": bushy(LEARNED_FROM + 2, 10_000),
        "20,000 lines, 10,000 calls deep": deep(LEARNED_FROM + 3, 10_000),
        "100,000 lines": bushy(LEARNED_FROM + 4, 100_000),
    }.items():
        for way, inference in ways.items():
            rows[f"{name}, {way}"] = read_ms(events, inference)
            print(f"{name:32s} {way:18s} {rows[f'{name}, {way}']:10.1f} ms", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    loop = cpu_ms(lambda: sum(n for n in range(LOOPS)))
    print(json.dumps({"path_cpu_ms": rows, "peak_mib": peak, "loop_cpu_ms": loop}))


if __name__ == "__main__":
    main()
