"""Transactions on a terminal, one a line: when, how bad, how long, which, from where, through whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from .duration import show_duration
from .events import SEVERITY_STYLES, one_line

__all__ = ["draw_transaction"]

SERVICES_SHOWN = 6


def draw_transaction(transaction: Mapping[str, Any]) -> Text:
    """Return the transaction (its JSON form) as a line."""
    severity, services, root = transaction["severity"], transaction["services"], transaction["root"]
    others = [one for one in services if one != root["service"]]
    more = f" +{len(others) - SERVICES_SHOWN}" if len(others) > SERVICES_SHOWN else ""
    return Text.assemble(
        (f"{transaction['start'][:10]} {transaction['start'][11:23]} ", "dim"),
        (f"{'-' if severity == 'unspecified' else severity.upper():5} ", SEVERITY_STYLES[severity]),
        f"{show_duration(transaction['duration']):>8} ",
        (f"{transaction['transaction_id']} ", "magenta"),
        (one_line(f"{root['service']} {root['name']}".strip()), "cyan"),
        one_line(f" → {', '.join(others[:SERVICES_SHOWN])}{more}" if others else ""),
        (f"  {transaction['events']:,} events", "dim"),
    )
