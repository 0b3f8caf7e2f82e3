from __future__ import annotations

import pytest

from clew_agent.config import SourceSettings
from clew_agent.tail import Writer, name_writer

PLAIN = SourceSettings(paths=("/x",))


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/var/log/orders.log", "orders"),
        ("/var/log/orders.log.1", "orders"),
        ("/var/log/orders.log-20261124", "orders"),
        ("/var/log/orders.log.2026-11-24", "orders"),
        ("/var/log/orders.log.gz", "orders.log.gz"),
        ("/var/log/syslog", "syslog"),
        ("/var/log/my.app.log", "my.app"),
        ("/var/log/.log", ".log"),
    ],
)
def test_by_default_a_service_is_called_like_its_file(path: str, service: str) -> None:
    assert name_writer(PLAIN, path, host="h") == Writer(service, "", "h")


def test_patterns_take_names_from_the_path() -> None:
    source = SourceSettings.model_validate(
        {
            "paths": ["/x"],
            "service": {"from": "path", "pattern": r"/(?P<service>ts-[a-z-]+)-[0-9a-f]+-\w+_server"},
            "instance": {"from": "path", "pattern": r"/(?P<instance>[^/]+)_server"},
            "host": {"from": "path", "pattern": r"/hosts/(?P<host>[^/]+)/"},
        }
    )
    writer = name_writer(source, "/logs/hosts/node-3/ts-order-service-5d4f-x7_server.log", host="h")
    assert writer == Writer("ts-order-service", "ts-order-service-5d4f-x7", "node-3")


def test_a_path_that_does_not_match_keeps_the_default_and_is_a_problem() -> None:
    source = SourceSettings.model_validate(
        {"paths": ["/x"], "service": {"from": "path", "pattern": "(?P<service>zzz)"}, "host": "given"}
    )
    writer = name_writer(source, "/var/log/orders.log", host="h")
    assert (writer.service, writer.host) == ("orders", "given")
    assert writer.problems[0].startswith("service: ")
