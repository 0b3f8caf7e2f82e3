"""A mistake in a configuration is told with its line."""

from __future__ import annotations

import pytest

from clew_agent.config import AgentSettings
from clew_agent.errors import SettingsError
from clew_agent.settings import parse_settings
from clew_agent.yaml_lines import line_of

TEXT = """
# a comment
sources:
  - paths: [/var/log/*.log]
  - paths:
      - relative
    service: {from: path, pattern: "("}
servr: http://x
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 3),
        (("sources",), 3),
        (("sources", 0), 4),
        (("sources", 1, "paths"), 5),
        (("sources", 1, "paths", 0), 6),
        (("sources", 1, "service", "from_path", "pattern"), 7),
        (("sources", 1, "missing"), 5),
        (("servr",), 8),
    ],
)
def test_where_a_setting_stands(location: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, location) == line


def test_nothing_has_no_lines() -> None:
    assert line_of("", ("sources",)) == 0


def test_every_problem_has_its_line() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(TEXT, AgentSettings)
    assert [(problem.split(":")[0], problem.split()[-1]) for problem in caught.value.problems] == [
        ("sources.1.paths", "5)"),
        ("sources.1.service.from_path.pattern", "7)"),
        ("servr", "8)"),
    ]
