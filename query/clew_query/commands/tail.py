"""`clew tail`: events as they come."""

from __future__ import annotations

import asyncio
import contextlib

import click

from clew_agent.console import fail_with_hint, print_json
from clew_query.client import Where
from clew_query.terminal.events import draw_event

from .asking import asks, open_console

__all__ = ["tail"]

INTERRUPTED = 130


@click.command()
@click.argument("query", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@asks
@fail_with_hint
def tail(*, query: tuple[str, ...], as_json: bool, where: Where) -> None:
    """Follow events that match a QUERY as they become searchable, until Ctrl-C; without a query, all.

    Says on stderr how many it missed when it cannot keep up.
    """
    try:
        asyncio.run(_tail(where, " ".join(query), as_json=as_json))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


async def _tail(where: Where, query: str, *, as_json: bool) -> None:
    console = open_console()
    async with where.connect() as client, contextlib.aclosing(client.follow(query)) as following:
        async for kind, data in following:
            if kind == "following":
                click.echo(f"following {where.server}; Ctrl-C ends it", err=True)
            elif kind == "dropped":
                click.echo(f"{data['count']:,} events were dropped: this reader is too slow", err=True)
            elif as_json:
                print_json(data)
            else:
                console.print(draw_event(data), soft_wrap=True)
