"""`clew dead-letters list|show|replay`."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from clew_agent.console import fail_with_hint, print_json
from clew_agent.errors import ClewError
from clew_agent.logs import configure_logs
from clew_agent.settings import read_settings
from clew_agent.wire import decode_chunk
from clew_collector.datadir import DataDirectory
from clew_collector.log.opening import client_id, open_dead_letters
from clew_collector.settings import CollectorSettings

from .letter import Content, DeadLetter
from .protocol import DeadLetters

__all__ = ["dead_letters"]

PLAIN_WIDTH = 1000


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at what could not be read or stored, kept whole with the reason, and put it back."""


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    path = click.Path(path_type=Path)
    command = click.option("--data", type=path, help="Data directory, where no configuration names another log.")(
        command
    )
    return click.option("--config", type=path, help="The collector's configuration: says where its letters lie.")(
        command
    )


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dead_letters.command("list")
@_where
@_json
@fail_with_hint
def list_letters(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the letters, the oldest first."""
    letters = asyncio.run(_read(_settings(config, data)))
    if as_json:
        print_json([_described(letter) for letter in letters])
        return
    table = Table("id", "what", "times", "last", "from", "reason", box=None, pad_edge=False)
    for letter in letters:
        when = datetime.fromtimestamp(letter.buried_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        table.add_row(letter.id, letter.content, str(letter.count), when, letter.source or letter.topic, letter.reason)
    console = Console()
    Console(width=None if console.is_terminal else PLAIN_WIDTH).print(table)
    click.echo(f"{len(letters)} dead letters", err=True)


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
@_where
@_json
@fail_with_hint
def show(letter_id: str, config: Path | None, data: Path | None, as_json: bool) -> None:
    """Show one letter with all that it holds."""
    [letter] = _chosen(asyncio.run(_read(_settings(config, data))), (letter_id,))
    described = _described(letter) | _content(letter)
    if as_json:
        print_json(described)
        return
    for name, value in described.items():
        click.echo(f"{name}: {value}")


@dead_letters.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that there are.")
@_where
@_json
@fail_with_hint
def replay(ids: tuple[str, ...], everything: bool, config: Path | None, data: Path | None, as_json: bool) -> None:
    """Put letters back into the log, for the collectors to read once more."""
    if bool(ids) == everything:
        raise ClewError("say which letters: IDs, or --all", hint="`clew dead-letters list` shows their ids")
    count = asyncio.run(_put_back(_settings(config, data), ids))
    if as_json:
        print_json({"replayed": count})
    else:
        click.echo(f"{count} letters were put back.")


def _settings(config: Path | None, data: Path | None) -> CollectorSettings:
    configure_logs(level="warning")
    settings = CollectorSettings() if config is None else read_settings(config, CollectorSettings)
    return settings if data is None else settings.model_copy(update={"data": data})


def _open(settings: CollectorSettings) -> DeadLetters:
    look = DataDirectory.look if settings.log.kafka is None else DataDirectory.at
    return open_dead_letters(settings, look(settings.data), writable=False)


async def _read(settings: CollectorSettings) -> list[DeadLetter]:
    place = _open(settings)
    try:
        return await place.letters()
    finally:
        await place.close()


async def _put_back(settings: CollectorSettings, ids: tuple[str, ...]) -> int:
    if settings.log.kafka is None:
        raise ClewError(
            "letters of a data directory are put back by reading its log again",
            hint="stop its server and run `clew replay --data DIR`: all lines are in the log, these too",
        )
    # Kafka's client is for those who use it.
    from .putting_back import put_back  # noqa: PLC0415

    place = _open(settings)
    try:
        letters = await place.letters()
        chosen = _chosen(letters, ids) if ids else letters
        await put_back(chosen, place, settings.log.kafka, client_id=client_id())
        return len(chosen)
    finally:
        await place.close()


def _chosen(letters: list[DeadLetter], ids: tuple[str, ...]) -> list[DeadLetter]:
    by_id = {letter.id: letter for letter in letters}
    if unknown := [letter_id for letter_id in ids if letter_id not in by_id]:
        raise ClewError(f"there is no letter {', '.join(unknown)}", hint="`clew dead-letters list` shows their ids")
    return [by_id[letter_id] for letter_id in ids]


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "content": str(letter.content),
        "reason": letter.reason,
        "count": letter.count,
        "buried_ns": letter.buried_ns,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "source": letter.source,
        "host": letter.host,
        "service": letter.service,
        "bytes": len(letter.payload),
    }


def _content(letter: DeadLetter) -> dict[str, Any]:
    """Return what the letter holds, as text and exactly."""
    original = letter.payload
    if letter.content is Content.LINE:
        original = next(decode_chunk(letter.payload).lines()).raw
    return {
        "headers": {name: value.decode("utf-8", "replace") for name, value in letter.headers},
        "original": original.decode("utf-8", "replace"),
        "original_base64": base64.b64encode(original).decode("ascii"),
    }
