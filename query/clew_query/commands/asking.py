"""What the asking commands share: whom to ask, and how to talk to a pipe or a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from clew_agent.console import print_json
from clew_query.client import SERVER_DEFAULT, Where

__all__ = ["asks", "open_console", "show_pages"]

WIDTH_WITHOUT_TERMINAL = 160


_server = click.option(
    "--server",
    envvar="CLEW_SERVER",
    default=SERVER_DEFAULT,
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="The Clew server to ask.",
)
_data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Read this data directory instead; no server is needed.",
)


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --server and --data, which it gets as `where`."""

    def with_where(ctx: click.Context, /, *args: Any, server: str, data: Path | None, **kwargs: Any) -> Any:
        if data is not None and ctx.get_parameter_source("server") is ParameterSource.COMMANDLINE:
            raise click.UsageError("give --server or --data, not both")
        return command(*args, where=Where(server, data), **kwargs)

    update_wrapper(with_where, command)
    return _server(_data(click.pass_context(with_where)))


def open_console() -> Console:
    """Return the console on stdout: the terminal's width, or a fixed one in a pipe."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


async def show_pages(
    where: Where,
    rows: str,
    asked: Mapping[str, Any],
    draw: Callable[[Any], Text] | None,
    *,
    limit: int,
    page_max: int,
) -> None:
    """Print at most `limit` rows of the route named like them, page by page; as JSON lines where `draw` is None.

    How many there are stands on stderr.
    """
    console = open_console()
    shown, cursor = 0, None
    async with where.connect() as client:
        while True:
            page = await client.get(f"/{rows}", **asked, limit=min(limit - shown, page_max), cursor=cursor)
            for row in page[rows]:
                if draw is None:
                    print_json(row)
                else:
                    console.print(draw(row), soft_wrap=True)
            shown += page["returned"]
            cursor = page["cursor"]
            if cursor is None or shown >= limit:
                break
    more = "; more with --limit" if cursor is not None else ""
    click.echo(f"{shown:,} of {page['total']:,} {rows}{more}", err=True)
