"""Small systems that log and do not trace, written as a list of lines per transaction."""

from __future__ import annotations

from typing import Any

from tests.unit.path.lines import line

from clew_collector.event import Event
from clew_query.path import Path, build_path
from clew_query.path.learned import LearnedInference, Model

Script = list[tuple[str, str]]
"""`(service, text)` in order; `{n}` in a text is the transaction's number."""


def play(script: Script, n: int, *, gap_ms: float = 2.0, **fields: Any) -> list[Event]:
    """The script as transaction n."""
    return [
        line(
            service,
            1000 * n + gap_ms * at,
            text.format(n=n),
            event_id=f"{n:024x}{at:08x}",
            transaction_id=f"{n:032x}",
            **fields,
        )
        for at, (service, text) in enumerate(script)
    ]


def edges(path: Path) -> list[tuple[str | None, str]]:
    return sorted(((call.from_service, call.to_service) for call in path.calls), key=str)


def read(model: Model, events: list[Event]) -> Path:
    return build_path(events, LearnedInference(model), clocks=model.clocks())


# A hub that is silent between its calls: nesting would have each callee call the next one.
HUB_ALL: Script = [
    ("shop", "request {n} started"),
    ("prices", "price asked"),
    ("prices", "price told"),
    ("stock", "stock asked"),
    ("stock", "stock told"),
    ("prices", "price asked"),
    ("prices", "price told"),
    ("shop", "request {n} answered"),
]
HUB_PRICES: Script = [HUB_ALL[0], *HUB_ALL[1:3], HUB_ALL[7]]
HUB_STOCK: Script = [HUB_ALL[0], *HUB_ALL[3:5], HUB_ALL[7]]
HUB_EDGES = [("shop", "prices"), ("shop", "prices"), ("shop", "stock"), (None, "shop")]

CHAIN: Script = [
    ("web", "GET order {n}"),
    ("orders", "loading order {n}"),
    ("books", "looking up the book"),
    ("books", "found the book"),
    ("orders", "order {n} is complete"),
    ("web", "answered 200"),
]
CHAIN_EDGES = [("orders", "books"), ("web", "orders"), (None, "web")]


def hub(count: int) -> list[list[Event]]:
    scripts = [HUB_ALL, HUB_PRICES, HUB_STOCK]
    return [play(scripts[n % 3], n) for n in range(count)]


def chain(count: int, **fields: Any) -> list[list[Event]]:
    return [play(CHAIN, n, **fields) for n in range(count)]
