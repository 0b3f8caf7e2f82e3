"""`clew up`: everything on one machine."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from clew_agent.config import SourceSettings
from clew_agent.console import fail_with_hint, print_json
from clew_agent.logs import configure_logs
from clew_agent.settings import read_settings
from clew_query.alerts import read_rules
from clew_query.lucene import compile_query
from clew_query.path.learned.apart import learn_apart
from clew_query.up import Account, OnceOutcome, UpSettings, run_once, run_up

__all__ = ["up"]

LISTEN_ONCE = "127.0.0.1:0"


@click.command()
@click.option("--watch", multiple=True, metavar="GLOB", help="Files to tail, in quotes; `**` is any number of folders.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file of settings and sources.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.  [default: clew-data]")
@click.option("--listen", metavar="HOST:PORT", help="Where to listen.  [default: 127.0.0.1:8900]")
@click.option("--rules", type=click.Path(dir_okay=False, path_type=Path), help="YAML file of alert rules.")
@click.option("--once", is_flag=True, help="Ingest what is there, print the account, end; exit 1 if it is not clean.")
@click.option("--json", "as_json", is_flag=True, help="With --once: the account as JSON.")
@fail_with_hint
def up(
    *,
    watch: tuple[str, ...],
    config: Path | None,
    data: Path | None,
    listen: str | None,
    rules: Path | None,
    once: bool,
    as_json: bool,
) -> None:
    """Run agent, collector, search, page and alerts on this machine: one process and one agent.

    Without sources it takes what other agents send.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once")
    if rules and once:
        raise click.UsageError("--once evaluates no rules: leave --rules away, or --once")
    configure_logs(level="warning" if once else "info")
    settings = _settings(watch, config, data=data, listen=listen, alerts=rules, once=once)
    if not once:
        rule_set = read_rules(settings.alerts, compile_query)[0] if settings.alerts else None
        asyncio.run(run_up(settings, rule_set, ready=lambda url: _say_ready(settings, url)))
        return
    outcome = _run_once(settings)
    if as_json:
        print_json(outcome.account.to_json())
    else:
        click.echo(describe(outcome.account))
    if settings.path_learning_interval_s and outcome.account.lines_added:
        _learn(settings.data)
    if outcome.agent_status or not outcome.account.clean:
        raise SystemExit(1)


def describe(account: Account) -> str:
    """Return the account in words."""
    files = f"{account.files:,} file{'' if account.files == 1 else 's'}"
    words = (
        f"{files}: {account.lines_read:,} lines read, {account.lines_stored:,} lines stored"
        f" ({account.lines_added:,} of them now), {account.bytes_stored:,} bytes, in {account.seconds:.1f} s."
    )
    if account.clean:
        return f"{words}\nClean: every line, once."
    wrong = {
        "missing": account.bytes_lost,
        "there twice": account.bytes_doubled,
        "given up": account.bytes_given_up,
    }
    told = ", ".join(f"{count:,} bytes are {what}" for what, count in wrong.items() if count)
    return f"{words}\nNot clean: {told}; `clew audit` names the files."


def _settings(
    watch: tuple[str, ...],
    config: Path | None,
    *,
    data: Path | None,
    listen: str | None,
    alerts: Path | None,
    once: bool,
) -> UpSettings:
    """Return what the file says, with what the command line says in its place."""
    settings = read_settings(config, UpSettings, base=config.absolute().parent) if config else UpSettings()
    given: dict[str, object] = {"data": data, "listen": listen, "alerts": alerts}
    if once and not listen and "listen" not in settings.model_fields_set:
        # Nobody but its own agent asks it, and the port may be another one's.
        given["listen"] = LISTEN_ONCE
    if watch:
        globs = tuple(os.path.abspath(Path(glob).expanduser()) for glob in watch)  # noqa: PTH100 - `resolve` follows links
        given["sources"] = (*settings.sources, SourceSettings(paths=globs))
    return settings.model_copy(update={key: value for key, value in given.items() if value is not None})


def _say_ready(settings: UpSettings, url: str) -> None:
    globs = [glob for source in settings.sources for glob in source.paths]
    watching = f"watching {', '.join(globs)}" if globs else "watching no files, taking what agents send"
    click.echo(f"clew up: {url}, data in {settings.data}, {watching}. Ctrl-C ends it.", err=True)


def _run_once(settings: UpSettings) -> OnceOutcome:
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("Reading", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None, description="Storing" if done == total else "Reading")

        return asyncio.run(run_once(settings, progress=progress))


def _learn(data: Path) -> None:
    """Have it learned who calls whom: behind the account, which nobody should have to wait for."""
    console = Console(stderr=True)
    with console.status("Learning who calls whom (Ctrl-C leaves it to `clew path learn`)"), suppress(KeyboardInterrupt):
        asyncio.run(learn_apart(data))
