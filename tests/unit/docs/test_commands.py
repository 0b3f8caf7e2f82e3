"""Every command explains itself; every command that asks can be told whom to ask, and answers programs too."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from clew_agent.cli import main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None, f"{path} names {name}, which is not there"
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def command_of(path: tuple[str, ...]) -> click.Command:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


def options(path: tuple[str, ...]) -> set[str]:
    return {option for parameter in command_of(path).params for option in parameter.opts if option.startswith("--")}


ALL = sorted(commands(main))
ASKING = [path for path in ALL if "--server" in options(path)]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_has_help_that_says_what_it_does(path: tuple[str, ...]) -> None:
    said = CliRunner().invoke(main, [*path, "--help"])
    assert said.exit_code == 0
    assert command_of(path).get_short_help_str(), "a first line"
    for parameter in command_of(path).params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{parameter.name} says nothing"


def test_the_commands_that_ask() -> None:
    asking = {" ".join(path) for path in ASKING}
    assert {"search", "trace", "tail", "audit", "alerts list", "alerts test"} <= asking


@pytest.mark.parametrize("path", ASKING, ids=" ".join)
def test_each_that_asks_takes_a_server_or_a_directory_and_prints_json(path: tuple[str, ...]) -> None:
    assert {"--server", "--data", "--json"} <= options(path)


@pytest.mark.parametrize(
    "arguments",
    [["no-such-command"], ["search", "--no-such-option"], ["trace"], ["agent", "run"], ["up", "--json"]],
    ids=" ".join,
)
def test_a_command_line_that_is_none_fails_on_stderr(arguments: list[str]) -> None:
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 2
    assert said.stdout == ""
    assert "Error: " in said.stderr
