"""The path on a terminal, and in a pipe."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from tests.unit.path.lines import TRANSACTION, line, span

from clew_collector.event import Link
from clew_query.path import Collected, transaction_json
from clew_query.terminal import render_tree
from clew_query.terminal.duration import show_duration, show_offset

FAILURE = "card declined: insufficient funds"
EVENTS = (
    line("gateway", 0, "POST /checkout", span_id="a1"),
    line("orders", 2, "creating order 9", span_id="b1", parent_span_id="a1"),
    line("payment", 22, "charge"),
    line("payment", 310, FAILURE, severity_number=17),
    line("orders", 330, "calling payment failed", span_id="b1"),
    line("gateway", 341, "500", span_id="a1"),
    line("mail", 900, "apology sent"),
)


def drawn(
    *events,
    width: int = 100,
    terminal: bool = False,
    total: int | None = None,
    raw: bool = False,
    why: bool = False,
    **changes: Any,
) -> str:
    collected = Collected(TRANSACTION, ("req-77",), events, len(events) if total is None else total)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
    render_tree({**transaction_json(collected), **changes}, console, raw=raw, why=why)
    return out.getvalue()


def test_the_tree_says_who_called_whom_when_and_what_failed():
    rows = drawn(*EVENTS).splitlines()
    assert rows[0] == f"transaction {TRANSACTION}"
    assert rows[1].split() == ["also", "req-77"]
    assert rows[2] == "4 services · 7 lines · 1 error · 900 ms · from 2023-01-29 08:42:09.000 UTC"
    assert rows[4].startswith("gateway host-of-gateway ")
    assert rows[5].startswith("├── orders host-of-orders ")
    assert rows[6].startswith("│  └┄┄ payment p=0.")
    assert rows[7].endswith(f"✗ 08:42:09.310 {FAILURE}")
    assert rows[8].startswith("└┄┄ mail async p=0.")
    assert "+22 ms" in rows[6]
    assert "288 ms" in rows[6]


def test_nothing_inferred_needs_no_legend():
    assert "inferred" in drawn(*EVENTS)
    assert "inferred" not in drawn(*EVENTS[:2])


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_row_is_wider_than_the_console(width: int):
    assert max(map(len, drawn(*EVENTS, width=width).splitlines())) <= width


def test_colours_are_for_terminals():
    assert "\x1b[" in drawn(*EVENTS, terminal=True)
    assert "\x1b" not in drawn(*EVENTS)


def test_a_line_cannot_command_the_terminal():
    out = drawn(line("a", 0, "bad \x1b[2J\x07\r\nline \u202e [bold]markup[/bold]", severity_number=17))
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "bad �[2J�  line � [bold]markup[/bold]" in out


def test_many_errors_are_counted_and_long_ones_cut():
    out = drawn(*(line("a", n, f"broken {n} " + "word " * 100, severity_number=17) for n in range(8)), width=60)
    assert out.count("✗") == 5
    assert "and 3 more errors" in out
    assert "…" in out


def test_what_is_missing_is_said():
    gap = {"host": "h7", "service": "payments", "source": "/x.log", "start": "t1", "end": None, "reason": "rotated"}
    absent = [
        {"service": "payments", "verdict": "not_heard", "reason": "h7: rotated"},
        *({"service": f"s{n}", "verdict": "not_called", "reason": "all is here"} for n in range(14)),
    ]
    out = drawn(*EVENTS, total=99, gaps=[gap] * 12, absent=absent, truncated=True, width=120)
    assert "Only the first 7 of 99 lines are looked at" in out
    assert "No data from payments on h7 from t1 to now: rotated (/x.log)." in out
    assert "And 2 more gaps; --json has all." in out
    assert "Not heard, so perhaps called: payments." in out
    assert "s11 and 2 more services." in out


def test_the_critical_path_is_heavy_and_summed_up():
    spans = [span("web", "a", at=(0, 100)), span("app", "b", "a", "server", at=(20, 90))]
    rows = drawn(*spans, width=90).splitlines()
    assert rows[-1] == "━━ was waited for: app 70 ms (70 %), web 30 ms (30 %)"
    bars = [row.split("ms")[-1].strip() for row in rows[-3:-1]]
    assert set(bars[0]) == {"━", "─"}
    assert set(bars[1]) == {"━"}


def test_clocks_are_corrected_unless_raw():
    """The callee's clock is 500 ms ahead."""
    spans = [span("web", "a", at=(0, 100)), span("app", "b", "a", "server", at=(510, 590))]
    out, raw = drawn(*spans), drawn(*spans, raw=True)
    assert "+10 ms" in out
    assert "The clock of host-of-app is 500 ms ahead, within 10 ms, as calls show: corrected here" in out
    assert "+510 ms" in raw
    assert "which these times contain." in raw


def test_why_tells_of_each_edge():
    out = drawn(*EVENTS, why=True, width=200)
    assert "gateway certainly called orders and waited: a span names its parent span." in out
    assert "orders" in out
    assert "called payment and waited: smallest interval around it" in out


def test_placeholders_say_why_they_are_there():
    db = [span("a", f"b{n}", "a", "client", attributes={"peer.service": "cache"}) for n in range(3)]
    out = drawn(span("a", "a", kind="server"), *db, span("c", "c", "gone", "server", at=(50, 60)), width=150)
    assert "2 services · 5 lines" in out
    assert "cache ×3 3 spans of a name it, and nothing was heard from it" in out
    assert "(not here) span gone, which c names as its parent, is not here" in out


def test_links_to_other_transactions_are_named():
    linked = span("mail", "b", kind="consumer", links=(Link("f" * 32, "x"), Link(TRANSACTION, "b")))
    assert f"Its spans have links to {'f' * 32}." in drawn(linked)


def test_thousands_of_levels_are_drawn_within_the_width():
    depth = 2_000
    events = [line(f"s{n}", n, "in") for n in range(depth)] + [line(f"s{n}", 2 * depth - n) for n in range(depth)]
    out = drawn(*events, width=80)
    assert f"⋯ {depth - 1} deep" in out
    assert max(map(len, out.splitlines())) <= 80


def test_nothing_is_drawn_of_nothing():
    assert drawn().splitlines()[-1] == "No lines."


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ms"), (7, "7 ns"), (1_500, "1.5 µs"), (12_340_000, "12.3 ms"), (341_000_000, "341 ms"),
     (2_310_000_000, "2.31 s"), (90_000_000_000, "1.5 min"), (-5_000_000, "-5 ms"), (172_800_000_000_000, "2 d")],
)  # fmt: skip
def test_durations(nanoseconds: int, text: str):
    assert show_duration(nanoseconds) == text
    assert show_offset(nanoseconds) == (text if nanoseconds < 0 else f"+{text}")
