from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clew_agent.config import AgentSettings, FromPath
from clew_agent.errors import SettingsError
from clew_agent.settings import parse_settings


def parse(text: str) -> AgentSettings:
    return parse_settings(text, AgentSettings)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        parse(text)
    return raised.value.problems


def test_little_needs_to_be_said() -> None:
    settings = parse("sources: [{paths: [/var/log/app/*.log]}]")
    assert settings.sources[0].paths == ("/var/log/app/*.log",)
    assert settings.host == socket.gethostname()
    assert settings.server == "http://127.0.0.1:8900"


def test_names_come_from_the_path() -> None:
    settings = parse(
        """
        sources:
          - paths: [/logs/**/*.log]
            exclude: ['*.gz']
            service: {from: path, pattern: '/(?P<service>[^/]+)_server'}
            instance: {from: path, pattern: '/(?P<instance>[^/]+)/'}
            host: web-1
        """
    )
    source = settings.sources[0]
    assert isinstance(source.service, FromPath)
    assert source.host == "web-1"


def test_every_mistake_is_named_at_once_by_its_key() -> None:
    found = problems(
        """
        sources:
          - paths: []
          - paths: [logs/*.log]
            service: {from: path, pattern: '(unclosed'}
          - paths: [/a]
            service: {from: path, pattern: '(?P<host>x)'}
            instance: {from: env, pattern: '(?P<instance>x)'}
            exclude: ['']
        server: amqp://broker/clew
        data: here
        read_bytes_max: 1
        retry_initial_s: 5
        retry_max_s: 1
        metrics_listen: nowhere
        scan_intervall_s: 3
        """
    )
    keys = [problem.split(":")[0] for problem in found]
    assert keys == [
        "sources.0.paths",
        "sources.1.paths",
        "sources.1.service.from_path.pattern",
        "sources.2.exclude",
        "sources.2.service",
        "sources.2.instance.from_path.from",
        "server",
        "data",
        "read_bytes_max",
        "retry_max_s",
        "metrics_listen",
        "scan_intervall_s",
    ]
    assert "(?P<service>...)" in found[4]
    assert "did you mean `scan_interval_s`" in found[-1]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{}", "sources"),
        ("sources: []", "sources"),
        ("sources: [{paths: [/a]}]\nin_flight_bytes_max: 8192", "in_flight_bytes_max"),
        ("sources: [{paths: [/a]}]\nline_bytes_max: 4194304", "in_flight_bytes_max"),
        ("sources: [{paths: [/a]}]\nserver: http://", "server"),
        ("sources: [{paths: [/a]}]\nstart: middle", "start"),
        ("sources: [{paths: [/a], service: ''}]", "sources.0.service.name"),
        ("sources: [{paths: [/a], format: xml}]", "sources.0.format"),
    ],
)
def test_what_cannot_work_is_an_error(text: str, key: str) -> None:
    assert [problem.split(":")[0] for problem in problems(text)] == [key]


def test_a_limit_for_lines_must_fit_in_flight_even_by_default() -> None:
    settings = AgentSettings.model_validate({"sources": [{"paths": ["/a"]}], "data": Path("/x")})
    assert settings.line_bytes_max <= settings.in_flight_bytes_max
    assert 2 * settings.read_bytes_max <= settings.in_flight_bytes_max
