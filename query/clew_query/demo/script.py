"""The two files that a demo writes for Clew, as an operator would: what to tail, and when to raise an alert."""

from __future__ import annotations

from pathlib import Path

__all__ = ["RULE", "write_configuration", "write_rules"]

RULE = "service-errors"
_CONFIGURATION = """\
# Service and host come from the path: hosts/HOST/SERVICE.log
sources:
  - paths: ['{directory}/hosts/*/*.log']
    host: {{from: path, pattern: '/hosts/(?P<host>[^/]+)/[^/]+$'}}
    service: {{from: path, pattern: '/(?P<service>[^/]+)\\.log$'}}
agent:
  scan_interval_s: 0.5
  heartbeat_interval_s: 1
"""
_RULES = """\
rules:
  - name: {rule}
    kind: error_rate
    group_by: service
    errors: severity>=error
    threshold: 0.05        # more than 5 % of a service's lines
    recovery: 0.03
    window: 5m
    min_events: 50
    for: 2s
    interval: 1s
    notify: [on-call]
webhooks:
  - name: on-call
    url: {url}
"""


def write_configuration(directory: Path) -> Path:
    """Write what `clew up --config` reads and return its path."""
    path = directory / "clew.yaml"
    path.write_text(_CONFIGURATION.format(directory=str(directory).replace("'", "''")), encoding="utf-8")
    return path


def write_rules(directory: Path, webhook_url: str) -> Path:
    """Write what `clew up --rules` reads and return its path."""
    path = directory / "alerts.yaml"
    path.write_text(_RULES.format(rule=RULE, url=webhook_url), encoding="utf-8")
    return path
