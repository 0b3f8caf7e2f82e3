"""`clew transactions`: transactions as a whole, newest first."""

from __future__ import annotations

import asyncio

import click

from clew_agent.console import fail_with_hint
from clew_query.client import Where
from clew_query.terminal.transactions import draw_transaction

from .asking import asks, show_pages

__all__ = ["transactions"]

PAGE_TRANSACTIONS = 500


@click.command()
@click.argument("query", nargs=-1)
@click.option("--from", "start", metavar="TIME", help="Begun from this time on: RFC 3339, or relative (now-15m).")
@click.option("--to", "end", metavar="TIME", help="Begun before this time.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@click.option("--order", default="desc", show_default=True, type=click.Choice(["asc", "desc"]), help="By begin.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@asks
@fail_with_hint
def transactions(
    *, query: tuple[str, ...], start: str | None, end: str | None, limit: int, order: str, as_json: bool, where: Where
) -> None:
    """Find transactions by a QUERY over service, root, name, severity, error, duration, time, end and id.

    \b
    clew transactions 'service:payments error:true duration>2s' --from now-1h
    clew transactions 'root:gateway -service:orders'
    """  # noqa: D301 - click reads the backspace
    asked = {"query": " ".join(query), "from_": start, "to": end, "order": order}
    draw = None if as_json else draw_transaction
    asyncio.run(show_pages(where, "transactions", asked, draw, limit=limit, page_max=PAGE_TRANSACTIONS))
