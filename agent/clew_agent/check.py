"""`clew agent check`: what a configuration means on this host, before it runs."""

from __future__ import annotations

import os

import click
import msgspec

from clew_agent.config import AgentSettings
from clew_agent.tail import Discovery, FileKey, name_writer

__all__ = ["CheckReport", "check_sources", "print_check"]


class CheckedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and who is said to write it."""

    path: str
    bytes: int
    service: str
    instance: str
    host: str


class CheckedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source's globs and its files; a file that an earlier source has is not here."""

    paths: tuple[str, ...]
    files: tuple[CheckedFile, ...]


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `clew agent check` found."""

    server: str
    data: str
    sources: tuple[CheckedSource, ...]
    warnings: tuple[str, ...]
    """What may be meant: globs that match nothing yet."""
    problems: tuple[str, ...]
    """What would keep lines from being shipped, or under the right name."""


def check_sources(settings: AgentSettings) -> CheckReport:
    """Look at every file that the configuration means. Changes nothing, connects to nobody."""
    taken: set[FileKey] = set()
    sources: list[CheckedSource] = []
    warnings: list[str] = []
    problems: list[str] = []
    for source in settings.sources:
        scan = Discovery([source]).scan()
        warnings += [f"{glob}: matches no file" for glob in scan.unmatched]
        problems += [f"{path}: {problem}" for path, problem in scan.problems.items()]
        files: list[CheckedFile] = []
        for found in sorted(scan.files.values(), key=lambda found: found.path):
            if found.key in taken:
                continue
            taken.add(found.key)
            writer = name_writer(source, found.path, host=settings.host, real_path=found.real_path)
            problems += [f"{found.path}: {problem}" for problem in writer.problems]
            if not os.access(found.path, os.R_OK):
                problems.append(f"{found.path}: cannot be read by this user")
            files.append(
                CheckedFile(
                    path=found.path,
                    bytes=found.size,
                    service=writer.service,
                    instance=writer.instance,
                    host=writer.host,
                )
            )
        sources.append(CheckedSource(paths=source.paths, files=tuple(files)))
    return CheckReport(
        server=settings.server,
        data=str(settings.data),
        sources=tuple(sources),
        warnings=tuple(warnings),
        problems=tuple(problems),
    )


def print_check(report: CheckReport) -> None:
    """Print the report for people: files on stdout, warnings and problems on stderr."""
    for source in report.sources:
        click.echo(" ".join(source.paths))
        for file in source.files:
            instance = f" instance {file.instance}" if file.instance else ""
            click.echo(f"  {file.path}  {file.bytes} bytes  service {file.service}{instance} host {file.host}")
    for warning in report.warnings:
        click.secho(f"warning: {warning}", err=True, fg="yellow")
    for problem in report.problems:
        click.secho(f"problem: {problem}", err=True, fg="red")
    files = sum(len(source.files) for source in report.sources)
    click.echo(f"{files} files to {report.server}; {'not ' if report.problems else ''}ready")
