"""`clew audit`: the proof that nothing is missing."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from clew_agent.console import fail_with_hint, print_json
from clew_query.client import Where
from clew_query.terminal.audit import render_audit

from .asking import asks, open_console

__all__ = ["audit"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The API's JSON.")
@asks
@fail_with_hint
def audit(*, as_json: bool, where: Where) -> None:
    """Compare, file by file, the bytes that agents had acknowledged with those in log and store.

    Exits 1 when bytes are missing or there twice, and names the files.
    """
    account = asyncio.run(_audit(where))
    if as_json:
        print_json(account)
    else:
        render_audit(account, open_console())
    if not account["clean"]:
        raise SystemExit(1)


async def _audit(where: Where) -> Any:
    async with where.connect() as client:
        return await client.get("/audit")
