from pathlib import Path

import pytest

from clew_agent.errors import SettingsError
from clew_agent.settings import parse_settings
from clew_collector.store.expression import ALL, And, Range, Term
from clew_query.alerts.rule import Rule, RuleSet, compile_rules, read_rules
from clew_query.errors import QueryError, RuleError
from clew_query.lucene import compile_query

EXAMPLE = Path(__file__).parents[3] / "deploy" / "alerts" / "example.yaml"


class TestReading:
    def test_a_rule_needs_only_a_name(self) -> None:
        rule = parse_settings("rules: [{name: r}]", RuleSet).rules[0]

        assert (rule.errors, rule.group_by, rule.threshold, rule.recovery_share) == (
            "severity>=error",
            "service",
            0.05,
            0.05,
        )
        assert (rule.window, rule.hold, rule.interval, rule.min_events, rule.no_data) == (300, 60, 15, 20, "keep")

    def test_for_is_the_key_of_the_hold(self) -> None:
        assert parse_settings("rules: [{name: r, for: 2m}]", RuleSet).rules[0].hold == 120

    def test_every_problem_is_named_at_once(self) -> None:
        text = """
        rules:
          - {name: a, threshold: 1.5, window: 5, tresh: 1}
          - {name: b, group_by: body}
          - {name: c, threshold: 0.1, recovery: 0.2}
        webhooks: [{name: w, url: ftp://x}]
        """
        with pytest.raises(SettingsError) as caught:
            parse_settings(text, RuleSet)

        named = " ".join(caught.value.problems)
        for key in (
            "rules.0.threshold",
            "rules.0.window",
            "rules.0.tresh",
            "rules.1.group_by",
            "rules.2",
            "webhooks.0.url",
        ):
            assert key in named

    def test_names_are_unique_and_known(self) -> None:
        with pytest.raises(SettingsError) as caught:
            parse_settings("rules: [{name: a, notify: [pager]}, {name: a}]", RuleSet)

        assert "rule `a` is there 2 times" in str(caught.value)
        assert "`pager`, which is no webhook" in str(caught.value)


class TestCompiling:
    def test_errors_are_counted_among_the_rules_events(self) -> None:
        parts = {"service:orders": Term("service", "orders"), "severity>=error": Range("severity_number", 17)}

        [compiled] = compile_rules((Rule(name="r", query="service:orders"),), parts.__getitem__)

        assert compiled.events == Term("service", "orders")
        assert compiled.errors == And((Term("service", "orders"), Range("severity_number", 17)))

    def test_an_empty_query_counts_all(self) -> None:
        [compiled] = compile_rules((Rule(name="r"),), lambda _: Range("severity_number", 17))

        assert compiled.events == ALL

    def test_every_query_that_does_not_parse_is_named_with_its_position(self) -> None:
        def refuse(text: str) -> Term:
            raise QueryError("unexpected", position=len(text))

        with pytest.raises(RuleError) as caught:
            compile_rules((Rule(name="a", query="("), Rule(name="b", errors="x(")), refuse)

        assert "a.query: unexpected (at character 1" in str(caught.value)
        assert "b.errors: unexpected (at character 2" in str(caught.value)


def test_the_example_file_holds() -> None:
    rules, compiled = read_rules(EXAMPLE, compile_query)

    assert len(compiled) == len(rules.rules) >= 2
    assert rules.webhooks
