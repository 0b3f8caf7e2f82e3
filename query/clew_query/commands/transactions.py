"""`clew transactions`: transactions as a whole, newest first."""

from __future__ import annotations

import asyncio

import click

from clew_agent.console import fail_with_hint, print_json
from clew_query.client import Where
from clew_query.terminal.transactions import draw_transaction

from .asking import asks, open_console

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
    asyncio.run(_transactions(where, " ".join(query), start, end, limit=limit, order=order, as_json=as_json))


async def _transactions(
    where: Where, query: str, start: str | None, end: str | None, *, limit: int, order: str, as_json: bool
) -> None:
    console = open_console()
    shown, cursor = 0, None
    async with where.connect() as client:
        while True:
            page = await client.get(
                "/transactions",
                query=query,
                from_=start,
                to=end,
                order=order,
                limit=min(limit - shown, PAGE_TRANSACTIONS),
                cursor=cursor,
            )
            for transaction in page["transactions"]:
                if as_json:
                    print_json(transaction)
                else:
                    console.print(draw_transaction(transaction), soft_wrap=True)
            shown += page["returned"]
            cursor = page["cursor"]
            if cursor is None or shown >= limit:
                break
    more = "; more with --limit" if cursor is not None else ""
    click.echo(f"{shown:,} of {page['total']:,} transactions{more}", err=True)
