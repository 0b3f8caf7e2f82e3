"""The `clew` command where only the agent is installed, and where nothing is wrong."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

HEAVY = ["fastapi", "httpx", "huey", "luqum", "tantivy", "uvicorn"]


def clew(*arguments: str, without: list[str] = HEAVY) -> subprocess.CompletedProcess[str]:
    """Run the command in an interpreter that has none of these packages."""
    code = f"import sys\nsys.modules.update(dict.fromkeys({without!r}))\nfrom clew_agent.cli import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "error"),
        ("trace", "4bf92f3577b34da6a3ce929d0e0e4736", "--json"),
        ("tail",),
        ("up", "--watch", "/var/log/*.log"),
        ("query", "run"),
        ("collector", "run", "--config", "x"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_whose_extra_is_missing_says_what_to_install(arguments: tuple[str, ...]) -> None:
    done = clew(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"clew: `clew {arguments[0]}` needs " in done.stderr
    assert "hint: pip install 'clew[server]'" in done.stderr


def test_help_lists_every_command_also_those_that_cannot_run() -> None:
    done = clew("--help")
    assert done.returncode == 0
    listed = {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()}
    assert listed >= set(entry_points(group="clew.commands").names)
    assert "pip install 'clew[server]'" in done.stdout


def test_the_agents_commands_need_no_extra() -> None:
    done = clew("agent", "--help")
    assert done.returncode == 0
    assert {"check", "install", "run", "status", "try"} <= {
        line.split()[0] for line in done.stdout.splitlines() if line
    }


def test_the_version_is_the_distributions() -> None:
    assert clew("--version").stdout == f"clew, version {version('clew')}\n"


def test_an_unknown_command_is_an_error() -> None:
    done = clew("no-such-command")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_a_package_of_ours_that_is_broken_is_no_missing_extra() -> None:
    """It would send people to install what they have."""
    done = clew("search", "error", without=["clew_query.client"])
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
    assert "pip install" not in done.stderr
