"""`clew alerts`: check rules, try them on the past, see what fires."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from clew_agent.console import fail_with_hint, print_json
from clew_query.alerts import Rule, read_rules
from clew_query.alerts.backtest import ApiCounts, backtest
from clew_query.alerts.duration import format_duration
from clew_query.alerts.rule import CompiledRule
from clew_query.client import Where
from clew_query.errors import BadRequest
from clew_query.lucene import compile_query
from clew_query.times import format_time, instant_of

from .asking import asks, open_console

__all__ = ["alerts", "describe"]

STYLES = {"firing": "red", "pending": "yellow"}
RULES_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group(help="Check alert rules, try them on the past, see what fires.")
def alerts() -> None:
    """Group what there is to do with alerts."""


@alerts.command()
@RULES_FILE
@fail_with_hint
def check(file: Path) -> None:
    """Check a file of rules, and say in words what each does; every problem at once."""
    rules, compiled = read_rules(file, compile_query)
    for rule in compiled:
        click.echo(describe(rule.rule))
    click.echo(f"{file} holds: {len(rules.rules)} rule(s), {len(rules.webhooks)} webhook(s).")


@alerts.command("list")
@click.option("--json", "as_json", is_flag=True, help="The API's JSON.")
@asks
@fail_with_hint
def list_alerts(*, as_json: bool, where: Where) -> None:
    """Show the alerts that are pending or firing."""
    answer = asyncio.run(_get(where, "/alerts"))
    if as_json:
        print_json(answer)
        return
    table = Table("state", "rule", "of", "errors", "share", "threshold", "since", box=None, pad_edge=False)
    for alert in answer["alerts"]:
        table.add_row(
            Text(alert["state"], style=STYLES.get(alert["state"], "")),
            Text(alert["rule"]),
            Text(alert["group"]),
            "" if alert["events"] is None else f"{alert['errors']} of {alert['events']}",
            "" if alert["value"] is None else f"{alert['value']:.1%}",
            f"{alert['threshold']:.1%}",
            alert["since"],
        )
    open_console().print(table if answer["alerts"] else "Nothing is firing, nothing is pending.")


@alerts.command("test")
@RULES_FILE
@click.option("--from", "begin", default="now-1d", show_default=True, metavar="TIME", help="RFC 3339, or relative.")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME", help="RFC 3339, or relative.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@asks
@fail_with_hint
def try_rules(*, file: Path, begin: str, end: str, as_json: bool, where: Where) -> None:
    """Show what a file of rules would have told about stored events: the same code, run over the past."""
    _, compiled = read_rules(file, compile_query)
    count = asyncio.run(_backtest(where, compiled, *_range(begin, end), as_json=as_json))
    if not as_json:
        click.echo(f"{count} notification(s) from {len(compiled)} rule(s).")


def describe(rule: Rule) -> str:
    """Return what a rule does, in one sentence."""
    among = f" among `{rule.query}`" if rule.query else ""
    told = f" and tells {', '.join(rule.notify)}" if rule.notify else ", and tells nobody"
    return (
        f"{rule.name}: fires for each {rule.group_by} whose share of `{rule.errors}`{among}"
        f" over {format_duration(rule.window)} is above {rule.threshold:.4g} for {format_duration(rule.hold)},"
        f" resolves at {rule.recovery_share:.4g}, looks every {format_duration(rule.interval)}{told}."
    )


def _range(begin: str, end: str) -> tuple[int, int]:
    try:
        start, stop = instant_of(begin), instant_of(end)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    if start >= stop:
        raise BadRequest(f"--from {begin} does not lie before --to {end}")
    return start, stop


async def _get(where: Where, path: str) -> Any:
    async with where.connect() as client:
        return await client.get(path)


async def _backtest(where: Where, rules: tuple[CompiledRule, ...], start: int, end: int, *, as_json: bool) -> int:
    count = 0
    async with where.connect() as client:
        for rule in rules:
            async for group, told in backtest(ApiCounts(client.get), rule, start, end):
                count += 1
                at = format_time(told.starts_at if told.ends_at is None else told.ends_at)
                share = told.measurement.share if told.measurement else None
                row = {"time": at, "status": told.status.value, "rule": rule.rule.name, "group": group, "value": share}
                if as_json:
                    print_json(row)
                else:
                    click.echo(f"{at}  {told.status.value:8}  {rule.rule.name}  {group}  {share or 0:.1%}")
    return count
