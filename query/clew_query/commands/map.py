"""`clew map`: who calls whom, how often, how well, how long."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from clew_agent.console import fail_with_hint, print_json
from clew_query.client import Where
from clew_query.terminal.service_map import render_map

from .asking import asks, open_console

__all__ = ["service_map"]

ASKED_AGAIN_MAX = 300
"""Each time, the server reads for about two seconds."""


@click.command("map")
@click.option("--from", "start", metavar="TIME", help="From this time on: RFC 3339, or relative (now-15m).")
@click.option("--to", "end", metavar="TIME", help="Before this time.  [the newest line]")
@click.option("--json", "as_json", is_flag=True, help="The API's JSON.")
@asks
@fail_with_hint
def service_map(*, start: str | None, end: str | None, as_json: bool, where: Where) -> None:
    """Show the services' calls in a range of time: by default, in the week before the newest line.

    \b
    clew map --from now-15m
    clew map --from 2026-11-24T08:00:00Z --to 2026-11-24T09:00:00Z --json
    """  # noqa: D301 - click reads the backspace
    found = asyncio.run(_ask(where, start, end))
    if as_json:
        print_json(found)
    else:
        render_map(found, open_console())
    if found["pending"]:
        click.echo(f"{found['pending']} of {found['minutes']} minutes are not in it yet; ask again", err=True)


async def _ask(where: Where, start: str | None, end: str | None) -> Any:
    async with where.connect() as client:
        found = await client.get("/services/map", from_=start, to=end)
        for _ in range(ASKED_AGAIN_MAX):
            if not found["pending"]:
                break
            found = await client.get("/services/map", from_=start, to=end)
    return found
