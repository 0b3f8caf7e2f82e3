"""The service map on a terminal: a table of calls, callers in the order in which requests pass them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .duration import show_duration
from .events import one_line

__all__ = ["in_order", "render_map"]

EDGES_MAX = 500


def render_map(found: Mapping[str, Any], console: Console) -> None:
    """Print the map (its JSON form)."""
    if not found["edges"]:
        console.print("No calls.")
        return
    heard = {node["service"]: node["heard"] for node in found["nodes"]}
    table = Table("caller", "", "callee", "calls", "errors", "p50", "p95", "p99", "inferred", box=None,
                  header_style="bold")  # fmt: skip
    for column in table.columns[3:]:
        column.justify = "right"
    edges = in_order(found["edges"])
    before: object = ""
    for edge in edges[:EDGES_MAX]:
        caller = Text("outside", style="dim") if edge["from"] is None else Text(one_line(edge["from"]), style="bold")
        table.add_row(
            "" if edge["from"] == before else caller,
            _arrow(edge),
            Text(one_line(edge["to"]), style="bold" if heard[edge["to"]] else "italic"),
            f"{edge['calls']:,}",
            _errors(edge),
            *(show_duration(edge[name]) if edge[name] is not None else "–" for name in ("p50_ns", "p95_ns", "p99_ns")),
            _inferred(edge),
        )
        before = edge["from"]
    console.print(table)
    if len(edges) > EDGES_MAX:
        console.print(f"... and {len(edges) - EDGES_MAX} more edges; --json has all.")
    console.print(_summary(found), style="dim", soft_wrap=True)


def in_order(edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the edges by caller, callers breadth first from outside, the most called callees first."""
    of_caller: dict[str | None, list[dict[str, Any]]] = {}
    for edge in sorted(edges, key=lambda edge: (-edge["calls"], edge["to"], edge["kind"])):
        of_caller.setdefault(edge["from"], []).append(edge)
    ordered: list[dict[str, Any]] = []
    seen: dict[str | None, None] = {None: None}
    # Services that nobody reached from outside calls follow, by name.
    for start in (None, *sorted(name for name in of_caller if name is not None)):
        pending = [start] if start is None or start not in seen else []
        seen.setdefault(start)
        for caller in pending:
            for edge in of_caller.get(caller, ()):
                ordered.append(edge)
                if edge["to"] not in seen:
                    seen[edge["to"]] = None
                    pending.append(edge["to"])
    return ordered


def _arrow(edge: Mapping[str, Any]) -> Text:
    line = "┄┄" if edge["inferred"] else "──"
    return Text(
        f"{line}▷" if edge["kind"] == "async" else f"{line}▶", style="magenta" if edge["kind"] == "async" else ""
    )


def _errors(edge: Mapping[str, Any]) -> Text:
    if not edge["errors"]:
        return Text("")
    return Text(f"{edge['errors']:,} ({100 * edge['errors'] / edge['calls']:.1f} %)", style="red")


def _inferred(edge: Mapping[str, Any]) -> str:
    if not edge["inferred"]:
        return ""
    return f"{100 * edge['inferred_share']:.0f} % p={min(edge['probability'], 0.99):.2f}"


def _summary(found: Mapping[str, Any]) -> str:
    counts = f"{_count(found['transactions'], 'transaction')}, {_count(len(found['nodes']), 'service')}"
    text = f"{counts}, {found['from']} to {found['to']}"
    left = found["lines"] - found["looked_at"]
    return text + (f"; {left:,} of {found['lines']:,} lines are in none of them" if left > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
