"""The path of a transaction as a tree: who called whom, when, for how long, and the lines that say what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from clew_collector.event import Severity
from clew_query.times import instant_of

from .around import around_lines
from .duration import show_duration, show_offset

__all__ = ["render_tree"]

ERROR_LINES_MAX = 5
"""Of one invocation; the rest is counted."""
ERROR_ROWS_MAX = 3
DEPTH_DRAWN_MAX = 12
"""Deeper calls are drawn at this depth and say how deep they are: indentation would push everything else out."""
_WIDTH_MIN = 40
_LABEL_SHARE = 0.52
_BAR_MIN = 8
_MIDDOT = " · "


@dataclass(frozen=True, slots=True)
class _Row:
    """An invocation and where it stands in the tree: for each level above whether a further sibling follows."""

    invocation: Mapping[str, Any]
    call: Mapping[str, Any]
    follows: tuple[bool, ...]
    depth: int
    callees: bool

    @property
    def certain(self) -> bool:
        return bool(self.call["probability"] >= 1)

    @property
    def name(self) -> str:
        return _tame(self.invocation["service"]) or "(not here)"


def render_tree(transaction: Mapping[str, Any], console: Console, *, raw: bool = False, why: bool = False) -> None:
    """Print the transaction (its JSON form) on the console, as wide as that is.

    With `raw`, times are as the hosts wrote them, with no clock corrected; with `why`, each edge has its sentence.
    """
    width = max(console.width, _WIDTH_MIN)
    for line in _head(transaction):
        console.print(line, overflow="fold")
    console.print()
    rows = list(_rows(transaction))
    if not rows:
        console.print("No lines.")
        return
    start_key, end_key = ("raw_start", "raw_end") if raw else ("start", "end")
    times = [(instant_of(row.invocation[start_key]), instant_of(row.invocation[end_key])) for row in rows]
    begin, end = min(start for start, _ in times), max(end for _, end in times)
    roots = sum(row.call["parent"] is None for row in rows)
    labels = [_label(row, tell_root=roots > 1) for row in rows]
    offsets = [show_offset(start - begin) for start, _ in times]
    # One line has a time but no duration.
    durations = [show_duration(stop - start) if stop > start else "–" for start, stop in times]
    offset_width, duration_width = max(map(len, offsets)), max(map(len, durations))
    label_width = min(max(label.cell_len for label in labels), int(width * _LABEL_SHARE))
    bar_width = max(width - label_width - offset_width - duration_width - 6, _BAR_MIN)
    failures = _failures(transaction)
    waited_for = {} if raw else _sections(transaction, begin)
    for row, label, offset, duration, (start, stop) in zip(rows, labels, offsets, durations, times, strict=True):
        label.truncate(label_width, overflow="ellipsis", pad=True)
        sections = waited_for.get(row.invocation["id"], [])
        bar = _bar((start - begin, stop - begin), sections, end - begin, bar_width)
        line = Text.assemble(
            label,
            (f"  {offset:>{offset_width}}  {duration:>{duration_width}}  ", "dim"),
            (bar, "red" if row.invocation["errors"] else "dim" if row.invocation["placeholder"] else "cyan"),
        )
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ellipsis")
        for text in _failing_lines(row, failures.get(row.invocation["id"], []), width):
            console.print(text, no_wrap=True, overflow="ellipsis")
        if why:
            _print_why(row, console)
    for line in (*_foot(transaction, rows), *around_lines(transaction, raw=raw)):
        console.print(line, overflow="fold")


def _head(transaction: Mapping[str, Any]) -> Iterator[Text]:
    yield Text.assemble("transaction ", (_tame(transaction["transaction_id"]), "bold"))
    if transaction["aliases"]:
        yield Text.assemble(("also        ", ""), (_tame(", ".join(transaction["aliases"])), "bold"))
    invocations = transaction["invocations"]
    if not invocations:
        return
    begin = min(invocations, key=lambda invocation: str(invocation["start"]))["start"]
    end = max(invocations, key=lambda invocation: str(invocation["end"]))["end"]
    errors = sum(invocation["errors"] for invocation in invocations)
    counts = [
        _count(len({i["service"] for i in invocations if not i["placeholder"]}), "service"),
        _count(transaction["total"], "line"),
        show_duration(instant_of(end) - instant_of(begin)),
        f"from {begin[:10]} {begin[11:23]} UTC",
    ]
    summary = Text(_MIDDOT.join(counts[:2]) + _MIDDOT)
    summary.append(_count(errors, "error"), style="bold red" if errors else "")
    summary.append(_MIDDOT + _MIDDOT.join(counts[2:]))
    yield summary


def _foot(transaction: Mapping[str, Any], rows: list[_Row]) -> Iterator[Text]:
    if any(not row.certain and row.call["parent"] is not None for row in rows):
        yield Text("┄┄ who called whom is inferred there, p says how probably it is right; --why tells", style="dim")
    if transaction["truncated"]:
        shown, total = transaction["returned"], transaction["total"]
        yield Text(f"Only the first {shown} of {total} lines are looked at; ask with a higher --limit.", style="yellow")


def _rows(transaction: Mapping[str, Any]) -> Iterator[_Row]:
    """Yield the invocations depth first, callees in order of time. Iterative: a path may be thousands deep."""
    invocations = {invocation["id"]: invocation for invocation in transaction["invocations"]}
    callees: dict[str | None, list[Mapping[str, Any]]] = {}
    for call in transaction["calls"]:
        callees.setdefault(call["parent"], []).append(call)

    pending: list[tuple[Mapping[str, Any], tuple[bool, ...], int]] = [
        (call, (), 0) for call in reversed(callees.get(None, []))
    ]
    while pending:
        call, follows, depth = pending.pop()
        own = callees.get(call["child"], [])
        yield _Row(invocations[call["child"]], call, follows, depth, bool(own))
        for index in range(len(own) - 1, -1, -1):
            below = (*follows, index < len(own) - 1)[:DEPTH_DRAWN_MAX]
            pending.append((own[index], below, depth + 1))


def _guides(follows: tuple[bool, ...]) -> str:
    return "".join("│  " if more else "   " for more in follows)


def _label(row: _Row, *, tell_root: bool) -> Text:
    label = Text()
    if row.depth > DEPTH_DRAWN_MAX:
        label.append(f"⋯ {row.depth} deep ", style="dim")
    elif row.follows:
        corner = "├" if row.follows[-1] else "└"
        line = "── " if row.certain else "┄┄ "
        label.append(_guides(row.follows[:-1]) + corner + line, style="dim")
    style = "bold red" if row.invocation["errors"] else "italic" if row.invocation["placeholder"] else "bold"
    label.append(row.name, style=style)
    if row.call["count"] > 1:
        label.append(f" ×{row.call['count']:,}", style="dim")
    if row.call["kind"] == "async":
        label.append(" async", style="magenta")
    if not row.certain and (row.follows or tell_root):
        label.append(f" p={_probability(row.call['probability'])}", style="yellow")
    if row.invocation["placeholder"]:
        label.append(f" {_tame(row.invocation['placeholder'])}", style="dim")
    elif row.invocation["host"] != row.invocation["service"]:
        label.append(f" {_tame(row.invocation['host'])}", style="dim")
    return label


def _probability(probability: float) -> str:
    # 0.996 is not certain: it must not be rounded to 1.
    return f"{min(probability, 0.99):.2f}"


def _bar(interval: tuple[int, int], sections: list[tuple[int, int]], total: int, width: int) -> str:
    """Return the interval as a line, heavy where its invocation was waited for while it worked itself."""
    if total <= 0:
        return "━" if sections else "─"
    first, last = _cells(interval, total, width)
    cells = ["─"] * (last - first)
    for section in sections:
        begin, end = _cells(section, total, width)
        begin, end = max(begin, first), min(end, last)
        cells[begin - first : end - first] = "━" * max(end - begin, 0)
    return " " * first + "".join(cells)


def _cells(interval: tuple[int, int], total: int, width: int) -> tuple[int, int]:
    first = max(min(interval[0] * width // total, width - 1), 0)
    return first, min(max(-(-interval[1] * width // total), first + 1), width)


def _sections(transaction: Mapping[str, Any], begin: int) -> dict[str, list[tuple[int, int]]]:
    """Return the sections of the critical paths by invocation, since the beginning."""
    found: dict[str, list[tuple[int, int]]] = {}
    for section in transaction["critical_path"]:
        interval = instant_of(section["start"]) - begin, instant_of(section["end"]) - begin
        found.setdefault(section["invocation"], []).append(interval)
    return found


def _print_why(row: _Row, console: Console) -> None:
    under = _guides(row.follows) + ("│ " if row.callees else "  ")
    for text in _fold(_tame(row.call["why"]), max(console.width - cell_len(under), _WIDTH_MIN // 2)):
        console.print(Text.assemble((under, "dim"), (text, "italic dim")), no_wrap=True, overflow="ellipsis")


def _failures(transaction: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    failures: dict[str, list[Mapping[str, Any]]] = {}
    for event in transaction["events"]:
        if event["severity_number"] >= Severity.ERROR:
            failures.setdefault(event["invocation"], []).append(event)
    return failures


def _failing_lines(row: _Row, events: list[Mapping[str, Any]], width: int) -> Iterator[Text]:
    under = _guides(row.follows) + ("│ " if row.callees else "  ")
    room = max(width - cell_len(under) - 2, _WIDTH_MIN // 2)
    for event in events[:ERROR_LINES_MAX]:
        text = _tame(event["body"] or event["original"])
        for number, part in enumerate(_fold(f"{event['time'][11:23]} {text}", room)):
            yield Text.assemble((under, "dim"), ("✗ " if number == 0 else "  ", "red"), (part, "red"))
    if len(events) > ERROR_LINES_MAX:
        yield Text.assemble((under, "dim"), (f"  and {len(events) - ERROR_LINES_MAX} more errors", "red"))


def _fold(text: str, width: int) -> list[str]:
    """Cut the text into rows of this many cells, at most ERROR_ROWS_MAX."""
    rows: list[str] = []
    while text and len(rows) < ERROR_ROWS_MAX:
        cut = len(text) if cell_len(text) <= width else len(set_cell_size(text, width).rstrip())
        if cut < len(text):
            # Between words, unless that would leave most of the row empty.
            space = text.rfind(" ", 0, cut + 1)
            cut = space if space > cut // 2 else cut
        rows.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    if text:
        rows[-1] = set_cell_size(rows[-1], width - 1).rstrip() + "…"
    return rows


def _tame(text: str) -> str:
    """Return the text on one line, with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
