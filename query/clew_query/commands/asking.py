"""What the asking commands share: whom to ask, and how to talk to a pipe or a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from clew_query.client import SERVER_DEFAULT, Where

__all__ = ["asks", "open_console"]

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
