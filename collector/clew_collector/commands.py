"""`clew collector run|check` and `clew replay`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clew_agent.console import fail_with_hint, print_json
from clew_agent.logs import configure_logs
from clew_agent.metrics import create_metrics
from clew_agent.settings import read_settings

from .replay import parse_day, replay_store
from .service import Collector, create_collector_app
from .serving import bind, served, stop_signal, url_of
from .settings import CollectorSettings

__all__ = ["collector", "replay"]


@click.group()
def collector() -> None:
    """Receive chunks from agents, keep them in the log, write the store."""


@collector.command()
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of settings; without it, the defaults.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory, instead of the configured one.")
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of the configured address.")
@fail_with_hint
def run(config: Path | None, data: Path | None, listen: str | None) -> None:
    """Run until SIGTERM; requests under way are answered first."""
    configure_logs()
    asyncio.run(_run(_settings(config, data=data, listen=listen)))


@collector.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="YAML file of settings.")
@fail_with_hint
def check(config: Path) -> None:
    """Say whether a configuration holds; every problem at once."""
    settings = read_settings(config, CollectorSettings)
    click.echo(f"{config} holds: data in {settings.data}, listening on {settings.listen}.")


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Data directory; its server must be stopped."
)
@click.option(
    "--from",
    "since",
    metavar="DAY",
    help="Keep what arrived before this UTC day (2026-11-24, or a time of that day); without it, all is read again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@fail_with_hint
def replay(data: Path, since: str | None, as_json: bool) -> None:
    """Rebuild the store from the log, with the rules of this version.

    The old store stays in its place until the new one is whole.
    """
    configure_logs(level="warning")
    day = None if since is None else parse_day(since)
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("Reading the log", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        replayed = asyncio.run(replay_store(data, since=day, progress=show))
    if as_json:
        print_json(replayed)
    else:
        click.echo(
            f"{replayed.events} events of {replayed.files} files, from {replayed.records} records of the log, "
            f"in {replayed.seconds:.1f} s."
        )


def _settings(config: Path | None, *, data: Path | None, listen: str | None) -> CollectorSettings:
    settings = CollectorSettings() if config is None else read_settings(config, CollectorSettings)
    given = {key: value for key, value in {"data": data, "listen": listen}.items() if value is not None}
    return settings.model_copy(update=given)


async def _run(settings: CollectorSettings) -> None:
    bound = bind(settings.listen)
    metrics, provider = create_metrics("clew-collector")
    try:
        collector = await Collector.open(settings, metrics)
        try:
            await collector.start()
            stop = stop_signal()
            async with served(create_collector_app(collector), bound) as serving:
                click.echo(f"clew collector: {url_of(bound)}, data in {settings.data}", err=True)
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
        finally:
            await collector.close()
    finally:
        bound.close()
        provider.shutdown()
