from pathlib import Path

import yaml

from clew_agent.settings import read_settings
from clew_query.alerts.rule import RuleSet
from clew_query.demo.cast import logs_of
from clew_query.demo.script import RULE, write_configuration, write_rules


def test_the_rules_hold_and_name_the_receiver(tmp_path: Path) -> None:
    rules = read_settings(write_rules(tmp_path, "http://127.0.0.1:5/alerts"), RuleSet)

    assert [(rule.name, rule.notify) for rule in rules.rules] == [(RULE, ("on-call",))]
    assert [hook.url for hook in rules.webhooks] == ["http://127.0.0.1:5/alerts"]


def test_the_configuration_takes_host_and_service_from_the_path(tmp_path: Path) -> None:
    directory = tmp_path / "it's here"
    directory.mkdir()

    [source] = yaml.safe_load(write_configuration(directory).read_text())["sources"]

    assert source["paths"] == [f"{directory}/hosts/*/*.log"]
    assert all(log.match(source["paths"][0]) for log in logs_of(directory).values())
    assert source["host"] == {"from": "path", "pattern": "/hosts/(?P<host>[^/]+)/[^/]+$"}
    assert source["service"] == {"from": "path", "pattern": r"/(?P<service>[^/]+)\.log$"}
