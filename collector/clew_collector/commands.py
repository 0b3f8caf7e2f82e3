"""`clew collector run|check` and `clew replay`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clew_agent.console import fail_with_hint, print_json
from clew_agent.errors import ClewError
from clew_agent.logs import configure_logs
from clew_agent.metrics import create_metrics
from clew_agent.settings import read_settings

from .replay import Progress as Shown
from .replay import Replayed, parse_day, replay_store
from .reread import Reread, parse_moment, reread_kafka
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
@click.option("--data", type=click.Path(path_type=Path), help="Data directory; its server must be stopped.")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration of collectors whose log is Kafka.")
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="Where to begin: 2026-11-24, or 2026-11-24T12:00:00Z; without it, all is read again. Of a data directory what "
    "arrived before that UTC day is kept as it is.",
)
@click.option("--to", "until", metavar="TIME", help="Where to end, of Kafka only; without it, at what is there now.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@fail_with_hint
def replay(data: Path | None, config: Path | None, since: str | None, until: str | None, as_json: bool) -> None:
    """Read the log again, with the rules of this version.

    Of a data directory the store is rebuilt; the old one stays in its place until the new one is whole. Of Kafka what
    the store lacks is added, while collectors run; what it has stays as it is.
    """
    configure_logs(level="warning")
    if (data is None) == (config is None):
        raise ClewError("say what to read again: --data DIR, or --config FILE of collectors whose log is Kafka")
    if data is not None and until is not None:
        raise ClewError("a data directory is replayed to its end", hint="leave --to away")
    console = Console(stderr=True)
    amount = DownloadColumn() if config is None else MofNCompleteColumn()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("Reading the log", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        replayed: Replayed | Reread
        if data is not None:
            day = None if since is None else parse_day(since)
            replayed = asyncio.run(replay_store(data, since=day, progress=show))
        else:
            assert config is not None
            replayed = asyncio.run(_reread(read_settings(config, CollectorSettings), since, until, show))
    if as_json:
        print_json(replayed)
    else:
        click.echo(_said(replayed))


def _said(replayed: Replayed | Reread) -> str:
    if isinstance(replayed, Reread):
        return (
            f"{replayed.events} events, from {replayed.records} records of Kafka, in {replayed.seconds:.1f} s: "
            f"{replayed.created} were missing and are there now, {replayed.known} were there, {replayed.rejected} are "
            f"rejected ({replayed.letters} new dead letters)."
        )
    return (
        f"{replayed.events} events of {replayed.files} files, from {replayed.records} records of the log, "
        f"in {replayed.seconds:.1f} s."
    )


async def _reread(settings: CollectorSettings, since: str | None, until: str | None, show: Shown) -> Reread:
    metrics, provider = create_metrics("clew-collector")
    try:
        return await reread_kafka(
            settings,
            metrics,
            since_ns=0 if since is None else parse_moment(since),
            until_ns=None if until is None else parse_moment(until),
            progress=show,
        )
    finally:
        provider.shutdown()


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
