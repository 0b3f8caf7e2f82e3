"""What stands below a path: what took the time, whose clocks were corrected, what was not heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from .duration import show_duration
from .events import one_line

__all__ = ["around_lines"]

SERVICES_MAX = 3
GAPS_MAX = 10
NAMES_MAX = 12


def around_lines(transaction: Mapping[str, Any], *, raw: bool) -> Iterator[Text]:
    """Yield the lines for a transaction in its JSON form; `raw`: times are shown as the hosts wrote them."""
    total = sum(service["critical_time_ns"] for service in transaction["services"])
    if total and len(transaction["services"]) > 1:
        parts = [
            f"{one_line(service['service']) or '(not here)'} {show_duration(service['critical_time_ns'])}"
            f" ({100 * service['critical_time_ns'] / total:.0f} %)"
            for service in transaction["services"][:SERVICES_MAX]
            if service["critical_time_ns"]
        ]
        yield Text(f"━━ was waited for: {', '.join(parts)}", style="dim")
    for clock in transaction["clock"]:
        if clock["offset_ns"]:
            yield _clock(clock, raw=raw)
    others = {link["transaction_id"] for link in transaction["links"]} - {transaction["transaction_id"]}
    if others:
        yield Text(f"Its spans have links to {_names(sorted(others), 'transaction')}.", style="dim")
    yield from _gaps(transaction["gaps"])
    absent = transaction["absent"]
    unheard = [one_line(service["service"]) for service in absent if service["verdict"] == "not_heard"]
    if unheard:
        yield Text(f"Not heard, so perhaps called: {_names(unheard, 'service')}.", style="yellow")
    uncalled = [one_line(service["service"]) for service in absent if service["verdict"] == "not_called"]
    if uncalled:
        yield Text(f"Not called: {_names(uncalled, 'service')}.", style="dim")


def _clock(clock: Mapping[str, Any], *, raw: bool) -> Text:
    offset, uncertainty = clock["offset_ns"], clock["uncertainty_ns"]
    off = f"{show_duration(abs(offset))} {'ahead' if offset > 0 else 'behind'}"
    within = "" if uncertainty is None else f", within {show_duration(uncertainty)}"
    known = "as calls show" if clock["origin"] == "calls" else f"as its {one_line(clock['origin'])} says"
    done = "which these times contain" if raw else "corrected here; --raw shows times as written"
    return Text(f"The clock of {one_line(clock['host'])} is {off}{within}, {known}: {done}.", style="yellow")


def _gaps(gaps: list[Mapping[str, Any]]) -> Iterator[Text]:
    for gap in gaps[:GAPS_MAX]:
        when = f"from {gap['start'] or 'the beginning'} to {gap['end'] or 'now'}"
        place = f"{one_line(gap['service'])} on {one_line(gap['host'])}"
        yield Text(
            f"No data from {place} {when}: {one_line(gap['reason'])} ({one_line(gap['source'])}).", style="yellow"
        )
    if len(gaps) > GAPS_MAX:
        yield Text(f"And {len(gaps) - GAPS_MAX} more gaps; --json has all.", style="yellow")


def _names(names: list[str], noun: str) -> str:
    if len(names) <= NAMES_MAX:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_MAX])} and {len(names) - NAMES_MAX} more {noun}s"
