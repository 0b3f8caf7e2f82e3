"""`clew query run|check`: the API and the page over a data directory that is only read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from clew_agent.console import fail_with_hint
from clew_agent.logs import configure_logs
from clew_agent.metrics import create_metrics
from clew_agent.settings import read_settings
from clew_collector.service import Readers
from clew_collector.serving import bind, served, stop_signal, url_of
from clew_query.api import create_app
from clew_query.backend import Backend
from clew_query.settings import QuerySettings

__all__ = ["query"]


@click.group()
def query() -> None:
    """Serve search and traces over a data directory, beside the collector that writes it or without one."""


@query.command()
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of settings; without it, the defaults.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory, instead of the configured one.")
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of the configured address.")
@fail_with_hint
def run(config: Path | None, data: Path | None, listen: str | None) -> None:
    """Run until SIGTERM. Reads only: no ingest, no live tail, no alerts."""
    configure_logs()
    settings = QuerySettings() if config is None else read_settings(config, QuerySettings)
    given = {key: value for key, value in {"data": data, "listen": listen}.items() if value is not None}
    asyncio.run(_run(settings.model_copy(update=given)))


@query.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="YAML file of settings.")
@fail_with_hint
def check(config: Path) -> None:
    """Say whether a configuration holds; every problem at once."""
    settings = read_settings(config, QuerySettings)
    click.echo(f"{config} holds: data in {settings.data}, listening on {settings.listen}.")


async def _run(settings: QuerySettings) -> None:
    bound = bind(settings.listen)
    metrics, provider = create_metrics("clew-query")
    try:
        readers = await Readers.open(settings.data, settings.store, settings.log)
        try:
            stop = stop_signal()
            app = create_app(Backend.of_readers(readers, settings.data), metrics=metrics)
            async with served(app, bound) as serving:
                click.echo(f"clew query: {url_of(bound)}, reads {settings.data}", err=True)
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
        finally:
            await readers.close()
    finally:
        bound.close()
        provider.shutdown()
