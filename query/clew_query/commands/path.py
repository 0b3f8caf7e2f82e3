"""`clew path`: what was learned of who calls whom from logs alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from clew_agent.console import fail_with_hint, print_json
from clew_agent.errors import ClewError
from clew_query.client import Where

from .asking import asks, open_console

__all__ = ["path"]


@click.group()
def path() -> None:
    """See or make what Clew knows of the calls between services that log and do not trace."""


@path.command()
@click.option("--json", "as_json", is_flag=True, help="The API's JSON.")
@asks
@fail_with_hint
def model(*, as_json: bool, where: Where) -> None:
    """Show the model: whom each service calls, how often, how the calls begin, and what hosts' clocks are off."""
    learned = asyncio.run(_model(where))
    if as_json:
        print_json(learned)
    else:
        _draw(learned)


@path.command()
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Data directory to learn from."
)
@click.option("--anew", is_flag=True, help="Forget the model that is there.")
@fail_with_hint
def learn(*, data: Path, anew: bool) -> None:
    """Learn a model from a data directory, beside the server that writes it or without one."""
    from clew_query.path.learned.apart import TRANSACTIONS_MIN, learn_from_directory  # noqa: PLC0415 - loads numpy

    learned = asyncio.run(
        learn_from_directory(data, anew=anew, progress=lambda what: click.echo(f"{what}...", err=True))
    )
    if learned is None:
        raise ClewError(
            f"{data} has fewer than {TRANSACTIONS_MIN} transactions to learn from",
            hint="paths are read by nesting and order until there are more",
        )
    click.echo(
        f"Learned from {learned.transactions:,} transactions ({learned.lines:,} lines) in {learned.learned_s:.1f} s."
    )


async def _model(where: Where) -> Any:
    async with where.connect() as client:
        return await client.get("/paths/model")


def _draw(learned: dict[str, Any]) -> None:
    console = open_console()
    console.print(
        f"Learned from {learned['transactions']:,} transactions ({learned['lines']:,} lines,"
        f" {learned['kinds']:,} kinds of lines) in {learned['learned_s']:.1f} s."
    )
    table = Table("from", "to", "calls", "kind", "begin with", box=None, header_style="bold")
    for call in learned["calls"]:
        table.add_row(
            call["from"] or "(outside)", call["to"], f"{call['calls']:,.0f}", call["kind"], call["first_line"][:60]
        )
    console.print(table)
    for clock in learned["clock"]:
        console.print(
            f"The clock of {clock['host']} is {clock['offset_ns'] / 1e6:+.1f} ms off,"
            f" within {clock['uncertainty_ns'] / 1e6:.1f} ms."
        )
