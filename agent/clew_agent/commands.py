"""`clew agent ...`: run, check, status; and by lazy import try and install."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from opentelemetry.metrics import NoOpMeterProvider

from clew_agent.check import check_sources, print_check
from clew_agent.config import AgentSettings
from clew_agent.console import fail_with_hint, print_json
from clew_agent.errors import ClewError
from clew_agent.logs import configure_logs
from clew_agent.metrics import Metrics, create_metrics
from clew_agent.pipeline import Outcome, run_agent
from clew_agent.readiness import tell_ready
from clew_agent.reload import Reload
from clew_agent.settings import read_settings
from clew_agent.status import healthy, read_status
from clew_agent.transport import SwitchedTransport, open_transport

__all__ = ["agent"]

_LAZY = {"install": "clew_agent.install:install", "try": "clew_agent.attempt:attempt"}


class _Commands(click.Group):
    """Commands of this module, and those that are imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return super().get_command(ctx, cmd_name)
        module, name = _LAZY[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands)
def agent() -> None:
    """Tail log files, stamp every line with its transaction, ship it, keep the account."""


_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The agent's configuration, YAML."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@agent.command()
@_config
@click.option("--once", is_flag=True, help="Ship everything that is there, then end; exit 1 if anything is missing.")
@click.option("--parent-fd", type=int, envvar="CLEW_PARENT_FD", hidden=True, help="End when this pipe is closed.")
@fail_with_hint
def run(config: Path, once: bool, parent_fd: int | None) -> None:
    """Tail and ship until told to stop (SIGTERM, SIGINT); SIGHUP reads the configuration again."""
    settings = read_settings(config, AgentSettings)
    configure_logs(level=settings.log_level)
    _use_one_heap()
    with _metrics_of(settings) as metrics:
        outcome = asyncio.run(_run(settings, config, metrics, once=once, parent_fd=parent_fd))
    if once and outcome.problems:
        raise ClewError(
            "\n".join(["not everything was shipped:", *(f"  - {problem}" for problem in outcome.problems)]),
            hint="`clew agent check --config FILE` shows what each glob matches",
        )


@agent.command()
@_config
@_json
@fail_with_hint
def check(config: Path, as_json: bool) -> None:
    """Validate the configuration and show which files it means; exit 1 if it would not work."""
    report = check_sources(read_settings(config, AgentSettings))
    if as_json:
        print_json(report)
    else:
        print_check(report)
    if report.problems:
        raise SystemExit(1)


@agent.command()
@_config
@_json
@fail_with_hint
def status(config: Path, as_json: bool) -> None:
    """Show whether the agent runs, and how far it is with each file."""
    settings = read_settings(config, AgentSettings)
    found = read_status(settings.data)
    if as_json:
        print_json(found)
    else:
        # What draws tables takes 5 MiB, which `run` does without.
        from clew_agent.status_table import print_status  # noqa: PLC0415

        print_status(found, settings.data)


async def _run(
    settings: AgentSettings, config: Path, metrics: Metrics, *, once: bool, parent_fd: int | None
) -> Outcome:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent_fd is not None:
        # The parent never writes: the pipe becomes readable when its other end is closed, however the parent ended.
        loop.add_reader(parent_fd, _parent_ended, loop, parent_fd, stop)
    transport = SwitchedTransport(open_transport(settings, metrics))
    reload = Reload(settings, config, transport, lambda changed: open_transport(changed, metrics))
    hangups = asyncio.create_task(reload.run())
    loop.add_signal_handler(signal.SIGHUP, reload.wanted.set)
    try:
        return await run_agent(
            settings, transport, once=once, stop=stop, changes=reload.changes, metrics=metrics, ready=tell_ready
        )
    finally:
        hangups.cancel()
        await asyncio.wait({hangups})
        await transport.close()


def _use_one_heap() -> None:
    """Let all threads allocate from one heap (mallopt(3), M_ARENA_MAX), where the C library knows that.

    The threads hand large buffers to each other; heaps of their own fragment by some MiB and fault more pages.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-8, 1)


def _parent_ended(loop: asyncio.AbstractEventLoop, parent_fd: int, stop: asyncio.Event) -> None:
    loop.remove_reader(parent_fd)
    stop.set()


@contextmanager
def _metrics_of(settings: AgentSettings) -> Iterator[Metrics]:
    """Yield the process's metrics, served at `metrics_listen` if that is set; else nobody can ask for them."""
    if not settings.metrics_listen:
        yield Metrics(NoOpMeterProvider().get_meter("clew"))
        return
    # With the SDK it takes 4 MiB, which an agent that nobody asks can spare.
    from clew_agent.serving import serve  # noqa: PLC0415

    metrics, provider = create_metrics("clew-agent")
    try:
        # Long enough for a machine that is hard at work; who does not tell his status for so long is stuck.
        age_s_max = 30 + 10 * settings.status_interval_s
        with serve(settings.metrics_listen, lambda: healthy(settings.data, age_s_max=age_s_max)):
            yield metrics
    finally:
        provider.shutdown()
