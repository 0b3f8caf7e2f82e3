"""`clew agent try FILE`: what the agent would make of each line, by the same code, without sending anything."""

from __future__ import annotations

import glob
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from rich.console import Console
from rich.text import Text

from clew_agent.config import AgentSettings, SourceSettings
from clew_agent.console import fail_with_hint, one_line, print_json
from clew_agent.errors import ClewError
from clew_agent.logs import configure_logs
from clew_agent.settings import read_settings
from clew_agent.stamp import Stamper, build_chunk
from clew_agent.tail import Discovery, FileAccount, FileKey, KnownContents, Opened, Read, Tailer, name_writer
from clew_agent.wire import Chunk, Origin, event_id

__all__ = ["Attempt", "TriedLine", "attempt", "print_attempt", "try_file"]

LINES_DEFAULT = 20
LINES_MAX = 10_000
STYLES = {"line": "green", "alias": "cyan", "inherited": "yellow", "generated": "dim"}


class TriedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a line becomes."""

    event_id: str
    offset: int
    length: int
    """The bytes it takes in the file."""
    cut_bytes: int
    """How many of them the agent does not ship."""
    transaction_id: str
    origin: str
    """The rung of the stamping ladder: line, alias, inherited, generated."""
    aliases: tuple[str, ...]
    line: str
    """As text; what is no UTF-8 is U+FFFD here, and shipped as it is."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's first lines become. The event ids are those of an agent that never saw the file before."""

    path: str
    file_id: str
    service: str
    instance: str
    host: str
    bytes: int
    bytes_read: int
    lines: tuple[TriedLine, ...]
    returned: int
    truncated: bool
    """There are more lines than were asked for."""
    warnings: tuple[str, ...]


@click.command("try")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="Name and stamp as this configuration says."
)
@click.option(
    "--lines",
    "lines_max",
    type=click.IntRange(1, LINES_MAX),
    default=LINES_DEFAULT,
    show_default=True,
    help="How many lines at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@fail_with_hint
def attempt(file: Path, config: Path | None, lines_max: int, as_json: bool) -> None:
    """Show what the first lines of FILE become: event id, transaction id and its origin, aliases. Sends nothing."""
    configure_logs(level="error")
    tried = try_file(file, read_settings(config, AgentSettings) if config else None, lines_max=lines_max)
    if as_json:
        print_json(tried)
    else:
        print_attempt(tried)


def try_file(file: Path, settings: AgentSettings | None, *, lines_max: int) -> Attempt:
    """Return what the file's first lines become. ClewError if it cannot be read. Changes nothing, asks nobody."""
    path = os.path.abspath(file)  # noqa: PTH100 - a link stays a link: names are taken from the path
    key, size = _look_at(path)
    warnings: list[str] = []
    if settings is None:
        settings = AgentSettings(sources=(SourceSettings(paths=(glob.escape(path),)),))
    else:
        settings, path = _only(settings, key, path, warnings)
    writer = name_writer(settings.sources[0], path, host=settings.host, real_path=os.path.realpath(path))
    warnings += writer.problems
    account, chunks, cut, problem = _read(settings, path, lines_max)
    if problem and problem not in writer.problems:
        raise ClewError(f"{path} {problem}", hint="run this as a user that may read it")
    if account is None:
        warnings.append("the file is empty: there is no line to try")
    stamped = [line for chunk in chunks for line in chunk.lines()]
    lines = tuple(
        TriedLine(
            event_id=event_id(chunks[0].source.file_id, line.offset),
            offset=line.offset,
            length=line.length,
            cut_bytes=cut.get(line.offset, 0),
            transaction_id=line.transaction_id,
            origin=Origin(line.origin).label,
            aliases=line.aliases,
            line=line.raw.decode("utf-8", "replace"),
        )
        for line in stamped[:lines_max]
    )
    bytes_read = lines[-1].offset + lines[-1].length if lines else 0
    return Attempt(
        path=path,
        file_id=account.file_id.hex() if account else "",
        service=writer.service,
        instance=writer.instance,
        host=writer.host,
        bytes=size,
        bytes_read=bytes_read,
        lines=lines,
        returned=len(lines),
        truncated=bytes_read < size,
        warnings=tuple(warnings),
    )


def print_attempt(tried: Attempt) -> None:
    """Print it for people: each line, and under it what becomes of it; warnings on stderr."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=1 << 20)
    names = f"service {tried.service}{f' instance {tried.instance}' if tried.instance else ''} host {tried.host}"
    console.print(
        Text.assemble((one_line(tried.path), "bold"), f"  {one_line(names)}"), no_wrap=True, overflow="ellipsis"
    )
    for line in tried.lines:
        console.print(Text(one_line(line.line)), no_wrap=True, overflow="ellipsis")
        console.print(_becomes(line), no_wrap=True, overflow="ellipsis")
    origins = Counter(line.origin for line in tried.lines)
    counts = ", ".join(f"{count} {origin}" for origin, count in origins.most_common())
    more = f"; the file goes on for {tried.bytes - tried.bytes_read} bytes (--lines N shows more)"
    console.print(f"{tried.returned} lines" + (f": {counts}" if counts else "") + (more if tried.truncated else ""))
    for warning in tried.warnings:
        click.secho(f"warning: {warning}", err=True, fg="yellow")


def _becomes(line: TriedLine) -> Text:
    text = Text.assemble(
        ("  └ ", "dim"),
        (f"{line.origin:9} ", STYLES[line.origin]),
        (line.transaction_id, STYLES[line.origin]),
        (f"  event {line.event_id}  {line.length} bytes", "dim"),
    )
    if line.aliases:
        text.append(f"  also {', '.join(map(one_line, line.aliases))}", "cyan")
    if line.cut_bytes:
        text.append(f"  cut: {line.cut_bytes} bytes are not shipped", "red")
    return text


def _look_at(path: str) -> tuple[FileKey, int]:
    try:
        seen = Path(path).stat()
    except OSError as error:
        raise ClewError(f"{path} cannot be read: {error.strerror}", hint="name a log file") from error
    if not Path(path).is_file():
        raise ClewError(
            f"{path} is no regular file", hint="name one log file; `clew agent check` shows what globs match"
        )
    return FileKey(seen.st_dev, seen.st_ino), seen.st_size


def _only(settings: AgentSettings, key: FileKey, path: str, warnings: list[str]) -> tuple[AgentSettings, str]:
    """Return the settings with this file as their only one, as its source names it, and the path as its glob has it."""
    for source in settings.sources:
        found = Discovery([source]).scan().files.get(key)
        if found:
            path = found.path
            break
    else:
        source = SourceSettings(paths=(path,))
        warnings.append("no source of the configuration matches this file: the agent would leave it alone")
    only = source.model_copy(update={"paths": (glob.escape(path),), "exclude": ()})
    return settings.model_copy(update={"sources": (only,)}), path


class _Reading(NamedTuple):
    account: FileAccount | None
    chunks: list[Chunk]
    cut: dict[int, int]
    """Offset of a line -> how many of its bytes are not in its chunk."""
    problem: str


def _read(settings: AgentSettings, path: str, lines_max: int) -> _Reading:
    """Return chunks with at least so many lines, if the file has them."""
    stamper = Stamper(settings.stamp)
    tailer = Tailer(settings, KnownContents((), generation_floor=0), at_end=True)
    account: FileAccount | None = None
    chunks: list[Chunk] = []
    cut: dict[int, int] = {}
    try:
        more = tailer.scan().more
        while more and sum(chunk.count for chunk in chunks) < lines_max:
            turn = tailer.read_batch(bytes_max=settings.in_flight_bytes_max, chunks_max=1)
            more = turn.more
            for event in turn.events:
                if isinstance(event, Opened):
                    account = event.account
                elif isinstance(event, Read):
                    chunks.append(_build(event, stamper))
                    offsets = chunks[-1].line_offsets()
                    cut |= {offsets[i]: lost for i, lost in chunks[-1].cut.items()}
    finally:
        tailer.close()
    return _Reading(account, chunks, cut, tailer.problems.get(path, ""))


def _build(read: Read, stamper: Stamper) -> Chunk:
    block = read.block
    return build_chunk(
        read.source, observed_ns=0, start=block.start, payload=block.payload, stamper=stamper, cuts=block.cuts
    )
