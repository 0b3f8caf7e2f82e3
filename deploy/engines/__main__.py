"""`python -m deploy.engines start|stop|status`: what `make engines` and `make engines-stop` run."""

from __future__ import annotations

import json
import sys

import click

from .errors import EngineError
from .running import Running, start_all, stop_all


@click.group()
def main() -> None:
    """Real Kafka and Elasticsearch on loopback."""


@main.command()
@click.option("--brokers", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Nodes of Kafka.")
def start(brokers: str) -> None:
    """Start what does not run yet; print where all answer, as JSON."""
    running = start_all(brokers=int(brokers), say=lambda text: click.echo(text, err=True))
    click.echo(json.dumps(running.as_dict(), indent=2))


@main.command()
def stop() -> None:
    """Stop what runs, and remove its data."""
    stopped = stop_all()
    click.echo(f"Stopped {', '.join(stopped)}." if stopped else "Nothing runs.", err=True)


@main.command()
def status() -> None:
    """Print where the running engines answer, as JSON."""
    click.echo(json.dumps(Running.found().as_dict(), indent=2))


if __name__ == "__main__":
    try:
        main()
    except EngineError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
