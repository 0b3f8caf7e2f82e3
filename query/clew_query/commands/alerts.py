"""`clew alerts`: check rules, try them on the past, see what fires."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from clew_agent.console import fail_with_hint
from clew_query.alerts import Rule, read_rules
from clew_query.alerts.duration import format_duration
from clew_query.lucene import compile_query

__all__ = ["alerts"]


@click.group(help="Check alert rules, try them on the past, see what fires.")
def alerts() -> None:
    """Group what there is to do with alerts."""


@alerts.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@fail_with_hint
def check(file: Path) -> None:
    """Check a file of rules, and say in words what each does; every problem at once."""
    rules, compiled = read_rules(file, compile_query)
    console = Console()
    for rule in compiled:
        console.print(describe(rule.rule), highlight=False, markup=False, soft_wrap=True)
    console.print(f"{file}: {len(rules.rules)} rules and {len(rules.webhooks)} webhooks hold.", highlight=False)


def describe(rule: Rule) -> str:
    """Return what a rule does, in one sentence."""
    among = f" among `{rule.query}`" if rule.query else ""
    told = f" and tells {', '.join(rule.notify)}" if rule.notify else ", and tells nobody"
    return (
        f"{rule.name}: fires for each {rule.group_by} whose share of `{rule.errors}`{among} over {format_duration(rule.window)}"
        f" is above {rule.threshold:.4g} for {format_duration(rule.hold)}, resolves at {rule.recovery_share:.4g},"
        f" looks every {format_duration(rule.interval)}{told}."
    )
