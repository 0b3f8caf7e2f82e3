"""docs/reference.md says what the code says, and every setting and metric says what it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from tests.conftest import ROOT

from clew_agent.metrics import COUNTERS, GAUGES, HISTOGRAMS, PROGRAMS, create_metrics
from clew_agent.reason import Reason
from clew_agent.settings import Settings
from clew_collector.store.protocol import Verdict
from clew_query.reference import FILES, exposed_name, reference, unit_of

INSTRUMENTS = COUNTERS | GAUGES | HISTOGRAMS
WITHOUT_UNIT = {"compression_level", "partitions", "replication_factor", "threshold", "recovery"}
"""Numbers that are no amount of anything, a level, shares; and those that Kafka's users know by these names."""


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == reference(), "settings or metrics changed: run `make reference` and commit docs/reference.md"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("flush_interval_s", "seconds"),
        ("retry_wait_s_max", "seconds"),
        ("busy_lag_bytes", "bytes"),
        ("open_files_max", "files"),
        ("min_events", "events"),
        ("threshold", ""),
    ],
)
def test_a_number_has_its_unit_in_its_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit


@pytest.mark.parametrize(("title", "kind"), [(title, kind) for title, _, kind in FILES])
class TestSettings:
    def test_each_says_what_it_means(self, title: str, kind: type[Settings]) -> None:
        silent = [
            f"{section}.{name}"
            for section, name, setting in every_setting(kind)
            if not (setting.get("description") or "$ref" in setting)
        ]
        assert silent == [], f"{title}: give these a docstring"

    def test_each_number_has_a_unit(self, title: str, kind: type[Settings]) -> None:
        bare = [
            f"{section}.{name}"
            for section, name, setting in every_setting(kind)
            if {"integer", "number"} & {part.get("type") for part in setting.get("anyOf", [setting])}
            and not unit_of(name)
            and name not in WITHOUT_UNIT
        ]
        assert bare == [], f"{title}: the unit belongs in these names"


def every_setting(kind: type[Settings]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = kind.model_json_schema()
    for section in (schema, *schema.get("$defs", {}).values()):
        for name, setting in section["properties"].items():
            yield section["title"], name, setting


class TestMetrics:
    def test_each_belongs_to_a_program(self) -> None:
        parts = {part for parts in PROGRAMS.values() for part in parts}
        assert {name.split("_")[1] for name in INSTRUMENTS} <= parts

    def test_each_is_counted_somewhere_under_the_labels_it_declares(self) -> None:
        used = dict(calls())
        assert used.keys() == INSTRUMENTS.keys()
        assert used == {name: [set(instrument.labels)] for name, instrument in INSTRUMENTS.items()}

    def test_reasons_and_verdicts_are_those_of_the_code(self) -> None:
        assert set(COUNTERS["clew_agent_dropped"].labels["reason"]) == set(Reason)
        assert set(COUNTERS["clew_consumer_events"].labels["verdict"]) == {verdict.value for verdict in Verdict}

    def test_their_names_are_the_exporters(self) -> None:
        metrics, provider = create_metrics("clew")
        try:
            for name, instrument in INSTRUMENTS.items():
                labels = dict.fromkeys(instrument.labels, "x")
                if name in COUNTERS:
                    metrics.count(name, **labels)
                elif name in HISTOGRAMS:
                    metrics.observe(name, 1.0, **labels)
                else:
                    metrics.level(name, 1.0)
            exposed = generate_latest().decode()
        finally:
            provider.shutdown()
        for name, instrument in INSTRUMENTS.items():
            series = exposed_name(name, instrument.unit, counter=name in COUNTERS)
            assert f"# HELP {series} {instrument.description}" in exposed

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_what_has_not_happened_yet_is_there_as_zero(self, program: str) -> None:
        _, provider = create_metrics(program)
        try:
            exposed = generate_latest().decode()
        finally:
            provider.shutdown()
        for name, instrument in (COUNTERS | GAUGES).items():
            own = name.split("_")[1] in PROGRAMS[program] and all(instrument.labels.values())
            series = exposed_name(name, instrument.unit, counter=name in COUNTERS)
            assert (f"# HELP {series} " in exposed) == own


def calls() -> Iterator[tuple[str, list[set[str]]]]:
    """Yield each metric that the code names, with the sets of labels that it is counted under."""
    labels: dict[str, list[set[str]]] = defaultdict(list)
    for file in source_files():
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                continue
            name = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
            if call.func.attr in {"count", "level", "observe"} and str(name).startswith("clew_"):
                given = {str(keyword.arg) for keyword in call.keywords} - {"amount"}
                if given not in labels[str(name)]:
                    labels[str(name)].append(given)
    yield from labels.items()


def source_files() -> Iterator[Path]:
    for package in ("agent/clew_agent", "collector/clew_collector", "query/clew_query"):
        yield from (ROOT / package).rglob("*.py")
