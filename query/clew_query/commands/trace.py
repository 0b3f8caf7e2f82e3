"""`clew trace`: what happened to this request, everywhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click
import msgspec
from rich.console import Console

from clew_agent.console import fail_with_hint
from clew_query.client import Client, Where
from clew_query.errors import NotFound
from clew_query.terminal import render_tree
from clew_query.terminal.events import draw_event

from .asking import asks, open_console

__all__ = ["trace"]

IDS_PER_PAGE = 1000


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every transaction, one JSON object a line.")
@click.option("--lines", is_flag=True, help="Show the lines below the path.")
@click.option("--raw", is_flag=True, help="Times as the hosts wrote them, with no clock corrected.")
@click.option("--why", is_flag=True, help="Say of each edge why it is there.")
@click.option("--limit", type=click.IntRange(1, 100_000), help="How many lines of a transaction at most.  [10000]")
@click.option("--json", "as_json", is_flag=True, help="The API's JSON, one object a line.")
@asks
@fail_with_hint
def trace(
    *,
    ids: tuple[str, ...],
    everything: bool,
    lines: bool,
    raw: bool,
    why: bool,
    limit: int | None,
    as_json: bool,
    where: Where,
) -> None:
    """Show the path of a transaction, named by any of its ids in any notation.

    \b
    clew trace 4bf92f3577b34da6a3ce929d0e0e4736
    clew trace order-17 --lines
    """  # noqa: D301 - click reads the backspace
    if everything == bool(ids):
        raise click.UsageError("give one or more ids, or --all")
    if everything:
        asyncio.run(_trace_all(where, limit))
    elif not asyncio.run(_trace(where, ids, limit, _Look(as_json, lines, raw, why))):
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class _Look:
    as_json: bool
    lines: bool
    raw: bool
    why: bool


async def _trace(where: Where, ids: tuple[str, ...], limit: int | None, look: _Look) -> bool:
    """Show each; return whether all were found."""
    console = open_console()
    missing: NotFound | None = None
    async with where.connect() as client:
        for name in ids:
            try:
                answer = await client.transaction(name, limit=limit)
            except NotFound as error:
                missing = error
                click.secho(f"clew: {error.message}", err=True, fg="red")
                continue
            if look.as_json:
                _print_line(answer)
            else:
                _draw(answer, console, look)
    if missing is not None and missing.hint:
        click.echo(f"hint: {missing.hint}", err=True)
    return missing is None


def _draw(answer: bytes, console: Console, look: _Look) -> None:
    transaction = msgspec.json.decode(answer)
    render_tree(transaction, console, raw=look.raw, why=look.why)
    if look.lines:
        console.print()
        for event in transaction["events"]:
            console.print(draw_event(event), soft_wrap=True)
    if transaction["truncated"]:
        click.echo(f"{transaction['returned']:,} of {transaction['total']:,} lines; more with --limit", err=True)


async def _trace_all(where: Where, limit: int | None) -> None:
    # A transaction with several names is found by each; it is printed once.
    printed: set[tuple[str, int]] = set()
    async with where.connect() as client:
        async for name in _all_ids(client):
            answer = await client.transaction(name, limit=limit)
            head = _head.decode(answer)
            if (key := (head.transaction_id, head.total)) not in printed:
                printed.add(key)
                _print_line(answer)


async def _all_ids(client: Client) -> AsyncIterator[str]:
    after: str | None = ""
    while after is not None:
        page = await client.get("/transactions", ids=True, after=after, limit=IDS_PER_PAGE)
        for row in page["transactions"]:
            yield row["transaction_id"]
        after = page["cursor"]


class _Head(msgspec.Struct):
    transaction_id: str
    total: int


_head = msgspec.json.Decoder(_Head)


def _print_line(answer: bytes) -> None:
    sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.buffer.flush()
