"""`clew doctor`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path

import click

from clew_agent.console import fail_with_hint, print_json
from clew_agent.settings import read_settings
from clew_collector.settings import CollectorSettings
from clew_collector.store.elasticsearch.connection import connect
from clew_collector.store.elasticsearch.names import Names

from .facts import gather
from .finding import Finding, Level, worst_first
from .judgement import judge
from .kafka_judgement import judge_kafka

__all__ = ["doctor"]

_SIGNS = {Level.FINE: click.style("fine", "green"), Level.WARNING: click.style("warning", "yellow"),
          Level.ERROR: click.style("error", "red")}  # fmt: skip


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The collector's YAML file of settings.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@fail_with_hint
def doctor(config: Path, as_json: bool) -> None:
    """Say what is wrong with the engines and what to do. Changes nothing; exits 1 when something is an error."""
    findings = asyncio.run(_examine(read_settings(config, CollectorSettings)))
    if as_json:
        print_json([asdict(finding) | {"level": finding.level.value} for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{_SIGNS[finding.level]}: {finding.subject}: {finding.message}.")
            if finding.hint:
                click.echo(f"  {finding.hint}.")
    if any(finding.level is Level.ERROR for finding in findings):
        sys.exit(1)


async def _examine(settings: CollectorSettings) -> list[Finding]:
    return worst_first([*await _log(settings), *await _store(settings)])


async def _log(settings: CollectorSettings) -> list[Finding]:
    kafka = settings.log.kafka
    if kafka is None:
        return [Finding(Level.FINE, "log", f"chunks are kept in {settings.data}, no Kafka is used")]
    # Kafka's client takes 3 MiB and 50 ms to import: only for those who use it.
    from .kafka_facts import gather_kafka  # noqa: PLC0415

    return judge_kafka(await gather_kafka(kafka), kafka)


async def _store(settings: CollectorSettings) -> list[Finding]:
    elasticsearch = settings.store.elasticsearch
    if elasticsearch is None:
        return [Finding(Level.FINE, "store", f"events are kept in {settings.data}, no cluster is used")]
    connection = connect(elasticsearch)
    try:
        return judge(await gather(connection, Names(elasticsearch.index_prefix)), elasticsearch)
    finally:
        await connection.close()
