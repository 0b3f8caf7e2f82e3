"""How commands talk: data on stdout, words on stderr, colours and progress on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
import msgspec

from .errors import ClewError

__all__ = ["fail_with_hint", "one_line", "print_json"]

P = ParamSpec("P")
R = TypeVar("R")


def print_json(data: Any) -> None:
    """Print one JSON document on a line of its own."""
    sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    sys.stdout.flush()


def one_line(text: str) -> str:
    """Return the text on one line, with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def fail_with_hint(command: Callable[P, R]) -> Callable[P, R]:
    """Make a command print a ClewError with its hint on stderr and exit 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ClewError as error:
            click.secho(f"clew: {error.message}", err=True, fg="red")
            if error.hint:
                click.echo(f"hint: {error.hint}", err=True)
            raise SystemExit(1) from error

    return wrapped
