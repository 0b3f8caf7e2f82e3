"""`clew agent install`: the agent as a systemd service, enabled and started; `--uninstall` takes it away again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from clew_agent.config import AgentSettings
from clew_agent.console import fail_with_hint
from clew_agent.durable import replace_file
from clew_agent.errors import ClewError, InstallFailed, SettingsError
from clew_agent.settings import read_settings
from clew_agent.unit import UNIT_NAME, problems_of, render_unit

__all__ = ["Host", "Plan", "install", "plan_install", "plan_uninstall"]

SYSTEMCTL_TIMEOUT_S = 120
_UNITS = Path("etc/systemd/system")
# There while systemd is the system's manager, see sd_booted(3).
_BOOTED = Path("run/systemd/system")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done: the unit's text (None: the unit is removed), then commands."""

    unit: str | None
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]


def plan_install(settings: AgentSettings, *, config: Path, program: Sequence[str], installed: bool = False) -> Plan:
    """Return the plan; SettingsError naming everything that cannot work as a service. `installed`: there is one."""
    problems = tuple(problems_of(settings, config=config, program=program))
    if problems:
        raise SettingsError(
            f"{config} cannot be installed as a service ({len(problems)} problem{'s' if len(problems) > 1 else ''}):",
            problems=problems,
            hint="change the configuration, or run `clew agent run` by a unit of your own",
        )
    after = [("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", UNIT_NAME)]
    if installed:
        after.append(("systemctl", "restart", UNIT_NAME))
    return Plan(render_unit(settings, config=config, program=program), (), tuple(after))


def plan_uninstall() -> Plan:
    """Return the plan that stops the service and removes its unit; its state stays."""
    return Plan(None, (("systemctl", "disable", "--now", UNIT_NAME),), (("systemctl", "daemon-reload"),))


class Host:
    """The machine that is installed to. `root` is where its files are; `run` runs a command or raises InstallFailed."""

    def __init__(self, *, root: Path = Path("/"), run: Callable[[Sequence[str]], None] | None = None) -> None:
        self._run = run or _run
        self._booted = root / _BOOTED
        self.unit_path = root / _UNITS / UNIT_NAME

    @property
    def installed(self) -> bool:
        """There is a unit of ours."""
        return self.unit_path.exists()

    def carry_out(self, plan: Plan) -> None:
        """Do what the plan says. InstallFailed where that is not possible."""
        if not self._booted.is_dir():
            raise InstallFailed(
                "systemd does not run this machine, so there is no service to install",
                hint="--dry-run shows the unit; elsewhere start `clew agent run --config FILE` by what you have",
            )
        for command in plan.before:
            self._run(command)
        try:
            if plan.unit is None:
                self.unit_path.unlink()
            else:
                replace_file(self.unit_path, plan.unit.encode(), durable=True)
        except OSError as error:
            raise InstallFailed(
                f"{self.unit_path} cannot be changed: {error.strerror}", hint="run this as root"
            ) from error
        for command in plan.after:
            self._run(command)


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The agent's configuration, YAML.")
@click.option("--dry-run", is_flag=True, help="Show the unit and the commands; change nothing.")
@click.option("--uninstall", is_flag=True, help="Stop the service and remove its unit. Its state is kept.")
@fail_with_hint
def install(config: Path | None, dry_run: bool, uninstall: bool) -> None:
    """Write a systemd unit for this agent, enable and start it."""
    host = Host()
    if uninstall:
        if not host.installed and not dry_run:
            raise InstallFailed(f"there is no {host.unit_path}", hint="the agent is not installed as a service here")
        plan = plan_uninstall()
    else:
        if config is None:
            raise ClewError("which configuration is the service to run with?", hint="give its path with --config FILE")
        config = Path(os.path.abspath(config))  # noqa: PTH100 - a link stays a link
        settings = read_settings(config, AgentSettings)
        plan = plan_install(settings, config=config, program=_program(), installed=host.installed)
    if dry_run:
        _show(plan, host)
        return
    host.carry_out(plan)
    if uninstall:
        click.echo(f"{UNIT_NAME} is stopped and removed; its state is kept")
    else:
        click.echo(f"{UNIT_NAME} is enabled and runs; `journalctl -u {UNIT_NAME}` shows its log")


def _show(plan: Plan, host: Host) -> None:
    for command in plan.before:
        click.echo("# " + " ".join(command))
    if plan.unit is None:
        click.echo(f"# rm {host.unit_path}")
    else:
        click.echo(f"# {host.unit_path}:")
        click.echo(plan.unit)
    for command in plan.after:
        click.echo("# " + " ".join(command))


def _program() -> list[str]:
    """Return how the installation that runs now is run: the `clew` beside its interpreter, else the interpreter."""
    beside = Path(sys.executable).with_name("clew")
    return [str(beside)] if os.access(beside, os.X_OK) else [sys.executable, "-m", "clew_agent"]


def _run(command: Sequence[str]) -> None:
    said = "it did not end in time"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_TIMEOUT_S, check=False)  # noqa: S603 - the words are ours
        if done.returncode == 0:
            return
        said = done.stderr.strip() or f"it ended with {done.returncode}"
    except FileNotFoundError:
        said = "there is no such program"
    except subprocess.TimeoutExpired:
        pass
    raise InstallFailed(
        f"`{' '.join(command)}` failed: {said}", hint=f"run this as root; `journalctl -u {UNIT_NAME}` says more"
    )
