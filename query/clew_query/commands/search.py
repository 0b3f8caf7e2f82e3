"""`clew search`: events that match a query."""

from __future__ import annotations

import asyncio

import click

from clew_agent.console import fail_with_hint
from clew_query.client import Where
from clew_query.terminal.events import draw_event

from .asking import asks, show_pages

__all__ = ["search"]

PAGE_EVENTS = 1000


@click.command()
@click.argument("query", nargs=-1)
@click.option("--from", "start", metavar="TIME", help="From this time on: RFC 3339, or relative (now-15m).")
@click.option("--to", "end", metavar="TIME", help="Before this time.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@click.option("--order", default="desc", show_default=True, type=click.Choice(["asc", "desc"]), help="By time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@asks
@fail_with_hint
def search(
    *, query: tuple[str, ...], start: str | None, end: str | None, limit: int, order: str, as_json: bool, where: Where
) -> None:
    """Find events by a QUERY in Lucene's syntax; without one, all.

    \b
    clew search 'service:orders severity>=error' --from now-1h
    clew search '"connection refused" AND NOT host:web-3'
    clew search 'status>=500' --json | jq .body
    """  # noqa: D301 - click reads the backspace
    asked = {"query": " ".join(query), "from_": start, "to": end, "order": order}
    draw = None if as_json else draw_event
    asyncio.run(show_pages(where, "events", asked, draw, limit=limit, page_max=PAGE_EVENTS))
