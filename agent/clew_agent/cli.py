"""The `clew` command. Packages contribute subcommands through the entry-point group `clew.commands`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points, version

import click

from . import logs  # noqa: F401 - before any module that has a logger
from .console import fail_with_hint
from .errors import MissingExtra

__all__ = ["main"]

GROUP = "clew.commands"


class Commands(click.Group):
    """Subcommands found by entry point and loaded when called, so that the agent never imports the servers."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all contributed commands."""
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command; one whose extra is missing becomes a command that says what to install."""
        found = next(iter(entry_points(group=GROUP, name=cmd_name)), None)
        return _load(found) if found else None


def _load(entry: EntryPoint) -> click.Command:
    try:
        loaded = entry.load()
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("clew_"):
            raise
        return _explain_missing(entry.name, error.name or "a package")
    assert isinstance(loaded, click.Command)
    return loaded


def _explain_missing(name: str, module: str) -> click.Command:
    @click.command(
        name,
        help="Needs the server extra: pip install 'clew[server]'.",
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1)
    @fail_with_hint
    def explain(arguments: tuple[str, ...]) -> None:
        raise MissingExtra(
            f"`clew {name}` needs {module}, which is not installed here",
            hint="pip install 'clew[server]'",
        )

    return explain


@click.command(
    cls=Commands,
    help="Clew: collect logs, find a transaction by any id, see its path, alert on error rates.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(version("clew"), prog_name="clew")
def main() -> None:
    """Run the command line."""
