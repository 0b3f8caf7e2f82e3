"""The map as a table."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from clew_query.terminal.service_map import EDGES_MAX, in_order, render_map


def edge(caller: str | None, callee: str, **fields: Any) -> dict[str, Any]:
    return {
        "from": caller, "to": callee, "kind": "sync", "calls": 10, "errors": 0, "inferred": 0, "inferred_share": 0.0,
        "probability": 1.0, "p50_ns": 1_000_000, "p95_ns": 2_000_000, "p99_ns": None, **fields,
    }  # fmt: skip


def drawn(*edges: dict[str, Any], looked_at: int = 90) -> str:
    services = {name for one in edges for name in (one["from"], one["to"]) if name}
    found = {
        "from": "t1", "to": "t2", "lines": 100, "looked_at": looked_at, "transactions": 7, "edges": list(edges),
        "nodes": [{"service": name, "heard": name != "db"} for name in sorted(services)],
    }  # fmt: skip
    out = io.StringIO()
    render_map(found, Console(file=out, width=120, color_system=None))
    return out.getvalue()


def test_callers_stand_in_the_order_in_which_requests_pass_them() -> None:
    edges = [
        edge("b", "c"),
        edge("a", "b"),
        edge("lost", "d"),
        edge(None, "a"),
        edge("a", "c", calls=99),
        edge("c", "a"),
    ]
    assert [(one["from"], one["to"]) for one in in_order(edges)] == [
        (None, "a"), ("a", "c"), ("a", "b"), ("c", "a"), ("b", "c"), ("lost", "d"),
    ]  # fmt: skip


def test_a_row_has_calls_errors_latency_and_how_sure_it_is() -> None:
    rows = drawn(
        edge(None, "a"), edge("a", "b", errors=1, inferred=5, inferred_share=0.5, probability=0.91)
    ).splitlines()
    assert rows[1].split() == ["outside", "──▶", "a", "10", "1", "ms", "2", "ms", "–"]
    assert rows[2].split() == [
        "a", "┄┄▶", "b", "10", "1", "(10.0", "%)", "1", "ms", "2", "ms", "–", "50", "%", "p=0.91",
    ]  # fmt: skip
    assert rows[3] == "7 transactions, 2 services, t1 to t2; 10 of 100 lines are in none of them"


def test_messages_have_another_arrow() -> None:
    assert "──▷" in drawn(edge("a", "b", kind="async"))


def test_names_cannot_command_the_terminal() -> None:
    assert "\x1b" not in drawn(edge(None, "a\x1b[2J"))


def test_more_edges_than_fit_are_counted() -> None:
    assert "and 2 more edges" in drawn(*(edge("a", f"s{n}") for n in range(EDGES_MAX + 2)))


def test_nothing_calls_nothing() -> None:
    assert drawn() == "No calls.\n"
