"""A running agent's status for people: each file, and what holds things up."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from clew_agent.status import AgentStatus, Status, lag_bytes
from clew_agent.wire import FileLedger

__all__ = ["print_status"]

_STAGES = {"reading": "reading and stamping take all the time", "receiver": "the receiver does not keep up"}


def print_status(found: AgentStatus, directory: Path) -> None:
    """Print it for people."""
    if found.status is None:
        click.echo(f"no agent has run in {directory}" if not found.running else f"starting (process {found.pid})")
        return
    status, beat = found.status, found.status.heartbeat
    running = f"running (process {found.pid})" if found.running else "not running; this is how it ended"
    click.echo(f"agent {beat.agent_id} on {beat.host}: {running}")
    click.echo(f"to {status.server}; {status.open_files} files open, {status.in_flight_bytes} bytes in flight")
    table = Table("file", "service", "size", "read", "acked", "lag", "given up", box=None, pad_edge=False)
    for file in sorted(beat.files, key=lambda file: file.path):
        table.add_row(file.path + (" (gone)" if file.gone else ""), file.service, *_figures(file))
    # Not on a terminal a path must not be broken into lines.
    console = Console()
    Console(width=None if console.is_terminal else 1000).print(table)
    for sentence in _judgements(status):
        click.echo(sentence)
    for name, error in beat.errors.items():
        click.secho(f"{name}: {error}", err=True, fg="red")


def _judgements(status: Status) -> list[str]:
    """Say what holds things up: which stage, which file, and what was given up."""
    said = []
    if status.load:
        said.append("time: " + ", ".join(f"{name} {share:.0%}" for name, share in status.load.items()))
    if status.saturated:
        said.append(f"saturated: {_STAGES[status.saturated]}")
    behind = max(status.heartbeat.files, key=lag_bytes, default=None)
    if behind and lag_bytes(behind):
        said.append(f"behind: {behind.path} (service {behind.service}) by {lag_bytes(behind)} bytes")
    for file in status.heartbeat.files:
        for reason in sorted({lost.reason for lost in file.given_up}):
            count = sum(lost.end - lost.start for lost in file.given_up if lost.reason == reason)
            said.append(f"given up: {file.path}: {count} bytes: {reason}")
    return said


def _figures(file: FileLedger) -> tuple[str, ...]:
    given_up = sum(lost.end - lost.start for lost in file.given_up)
    return tuple(str(n) for n in (file.seen, file.shipped, file.acknowledged, lag_bytes(file), given_up))
