"""`clew demo`: five real services, an agent and an embedded Clew; the path of one failed request."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from clew_agent.console import fail_with_hint, print_json
from clew_agent.errors import ClewError, MissingExtra
from clew_query.demo.performance import Plan, perform
from clew_query.demo.server import free_address
from clew_query.demo.show import show
from clew_query.demo.sink import WebhookSink
from clew_query.demo.stage import Stage

__all__ = ["demo"]

WIDTH_WITHOUT_TERMINAL = 120
CHECK_INTERVAL_S = 1.0
INTERRUPTED = 130


@click.command()
@click.option("--requests", default=300, show_default=True, type=click.IntRange(50, 100_000), help="How many to send.")
@click.option("--seed", default=7, show_default=True, help="The same seed sends the same requests.")
@click.option("--listen", default="", metavar="HOST:PORT", help="Where Clew listens.  [default: a free port]")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Work in this directory, and keep it.")
@click.option("--keep", is_flag=True, help="Keep the temporary directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and end.")
@fail_with_hint
def demo(*, requests: int, seed: int, listen: str, data: Path | None, keep: bool, as_json: bool) -> None:
    """Run a few real services, an agent and an embedded Clew; show one failed request's path.

    Stays up on a terminal until Ctrl-C, ends by itself otherwise. Exits 1 when a line is not stored exactly once or
    no alert fired.
    """
    if find_spec("huey") is None:
        raise MissingExtra("`clew demo` needs huey, which is not installed here", hint="pip install 'clew[demo]'")
    with _directory(data, keep=keep) as directory:
        plan = Plan(directory=directory, listen=listen or free_address(), requests=requests, seed=seed)
        try:
            problems = asyncio.run(_play(plan, as_json=as_json))
        except asyncio.CancelledError:
            click.echo("Interrupted; everything that was started is stopped.", err=True)
            raise SystemExit(INTERRUPTED) from None
    raise SystemExit(1 if problems else 0)


async def _play(plan: Plan, *, as_json: bool) -> tuple[str, ...]:
    """Play, show the result, stay if somebody is looking; return what is not as promised."""
    _cancel_when_told()
    words = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH_WITHOUT_TERMINAL)
    stays = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    with WebhookSink() as sink, Stage() as stage:
        with Progress(console=words, transient=True, disable=not words.is_terminal) as bar:
            task = bar.add_task("requests", total=plan.requests)
            result = await perform(
                plan,
                stage,
                sink,
                say=lambda step: words.print(f"[dim]•[/] {step}"),
                progress=lambda: bar.advance(task),
            )
        if as_json:
            print_json(result.to_json())
        else:
            out = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
            show(result, out, stays=stays)
        if stays:
            with suppress(asyncio.CancelledError):  # Ctrl-C is how a demo on a terminal is meant to end
                await _stay(stage)
    return result.problems


async def _stay(stage: Stage) -> None:
    while True:
        stage.check()
        await asyncio.sleep(CHECK_INTERVAL_S)


def _cancel_when_told() -> None:
    """Let Ctrl-C and SIGTERM cancel this task, so that on its way out everything that was started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


@contextmanager
def _directory(data: Path | None, *, keep: bool) -> Iterator[Path]:
    """Yield the directory to work in; a temporary one is removed, if it is not to be kept."""
    if data is not None:
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClewError(f"the directory {data} cannot be made: {error.strerror}") from error
        yield data.resolve()
    elif keep:
        directory = Path(tempfile.mkdtemp(prefix="clew-demo-"))
        click.echo(f"Everything is kept in {directory}", err=True)
        yield directory
    else:
        with tempfile.TemporaryDirectory(prefix="clew-demo-", ignore_cleanup_errors=True) as name:
            yield Path(name).resolve()
