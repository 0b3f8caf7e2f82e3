"""`clew config schema`: every setting of every program, with its meaning, as JSON Schema."""

from __future__ import annotations

from collections.abc import Callable

import click

from clew_agent.config import AgentSettings
from clew_agent.console import fail_with_hint, print_json
from clew_agent.settings import Settings
from clew_collector.settings import CollectorSettings
from clew_query.settings import QuerySettings

__all__ = ["config"]


def _up() -> type[Settings]:
    from clew_query.up.settings import UpSettings  # noqa: PLC0415 - its package starts programs

    return UpSettings


def _rules() -> type[Settings]:
    from clew_query.alerts.rule import RuleSet  # noqa: PLC0415 - its package brings the engine

    return RuleSet


_KINDS: dict[str, Callable[[], type[Settings]]] = {
    "agent": lambda: AgentSettings,
    "alerts": _rules,
    "collector": lambda: CollectorSettings,
    "query": lambda: QuerySettings,
    "up": _up,
}


@click.group()
def config() -> None:
    """About configuration files."""


@config.command()
@click.argument("program", required=False, type=click.Choice(list(_KINDS)))
@fail_with_hint
def schema(program: str | None) -> None:
    """Print the JSON Schema of a program's configuration, or of alert rules; without PROGRAM, of all in one object."""
    if program is not None:
        print_json(_KINDS[program]().model_json_schema())
        return
    print_json({name: kind().model_json_schema() for name, kind in _KINDS.items()})


@config.command("reference")
@fail_with_hint
def print_reference() -> None:
    """Print every setting and metric with its meaning, as Markdown."""
    from clew_query.reference import reference  # noqa: PLC0415 - it knows all programs

    click.echo(reference(), nl=False)


@config.command("openapi")
@fail_with_hint
def print_openapi() -> None:
    """Print the HTTP API's description (OpenAPI), ingest included, as JSON."""
    from clew_query.description import openapi_text  # noqa: PLC0415 - it builds every route

    click.echo(openapi_text(), nl=False)
