"""Alert rules as operators write them, read into frozen objects; every problem of a file at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from clew_agent.settings import Settings, read_settings
from clew_collector.store.expression import ALL, KEYWORD_FIELDS, And, Expression
from clew_query.errors import QueryError, RuleError

from .duration import Duration

__all__ = ["CompiledRule", "Rule", "RuleSet", "Webhook", "compile_rules", "read_rules"]

GROUP_FIELDS = tuple(sorted(KEYWORD_FIELDS - {"ids", "event_id", "transaction_id", "span_id", "parent_span_id"}))


class Rule(Settings):
    """Watch the share of error events, for each value of a field apart."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(min_length=1, max_length=200)
    """Unique in the file; an alert is known by its rule's name and its group."""
    kind: Literal["error_rate"] = "error_rate"
    """What is watched: the share of events that are errors."""
    query: str = ""
    """Only events that match this Lucene query count; empty counts all."""
    group_by: str = "service"
    """One alert for each value of this field."""
    errors: str = "severity>=error"
    """The Lucene query of those events that are errors."""
    threshold: float = Field(0.05, ge=0, lt=1)
    """Breached when errors / events is above this share."""
    recovery: float | None = Field(None, ge=0, lt=1)
    """Resolved when the share is at most this; the threshold when not given. Between both nothing changes."""
    window: Duration = 300.0
    """How far back events count."""
    min_events: int = Field(20, ge=1)
    """With fewer events in the window nothing is decided."""
    hold: Duration = Field(60.0, alias="for")
    """How long the share must stay above the threshold before the alert fires."""
    interval: Duration = 15.0
    """Time between evaluations."""
    no_data: Literal["keep", "resolve"] = "keep"
    """When a group has fewer than `min_events`: keep its state, or let it end."""
    notify: tuple[str, ...] = ()
    """Names of the webhooks that are told of fire and resolve."""

    @property
    def recovery_share(self) -> float:
        """The share at or below which an alert resolves."""
        return self.threshold if self.recovery is None else self.recovery

    @field_validator("group_by")
    @classmethod
    def _groupable(cls, value: str) -> str:
        if value not in GROUP_FIELDS:
            raise ValueError(f"must be one of {', '.join(GROUP_FIELDS)}")
        return value

    @field_validator("window", "interval")
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("must be longer than zero")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.recovery_share > self.threshold:
            raise ValueError(f"recovery {self.recovery} must not be above threshold {self.threshold}")
        return self


class Webhook(Settings):
    """An address that takes notifications by HTTP POST."""

    name: str = Field(min_length=1, max_length=200)
    """What rules call it under `notify`; unique in the file."""
    url: str
    """Its address, http or https."""
    timeout: Duration = 10.0
    """How long one attempt may take."""
    give_up_after: Duration = 86400.0
    """A notification older than this that still could not be delivered is given up, and counted."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with each request, for example an Authorization."""

    @field_validator("url")
    @classmethod
    def _web(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        return value

    @field_validator("timeout", "give_up_after")
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("must be longer than zero")
        return value


class RuleSet(Settings):
    """A rules file."""

    rules: tuple[Rule, ...] = ()
    """What is watched."""
    webhooks: tuple[Webhook, ...] = ()
    """Who can be told."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*_repeated("rule", (r.name for r in self.rules))]
        problems += _repeated("webhook", (w.name for w in self.webhooks))
        known = {w.name for w in self.webhooks}
        problems += [
            f"rule `{rule.name}` notifies `{name}`, which is no webhook of this file"
            for rule in self.rules
            for name in rule.notify
            if name not in known
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with what its queries ask of a store."""

    rule: Rule
    events: Expression = ALL
    errors: Expression = ALL
    """Those of the events that are errors: already includes the condition of `events`."""


def read_rules(path: Path, compile_query: Callable[[str], Expression]) -> tuple[RuleSet, tuple[CompiledRule, ...]]:
    """Return a rules file and its rules compiled.

    Raises SettingsError when the file does not hold, RuleError when queries do not parse; each with all problems.
    """
    rules = read_settings(path, RuleSet)
    return rules, compile_rules(rules.rules, compile_query)


def compile_rules(rules: tuple[Rule, ...], compile_query: Callable[[str], Expression]) -> tuple[CompiledRule, ...]:
    """Compile the queries of all rules; RuleError naming every one that does not parse."""
    compiled, problems = [], []
    for rule in rules:
        parts: dict[str, Expression] = {}
        for key, text in (("query", rule.query), ("errors", rule.errors)):
            try:
                parts[key] = compile_query(text) if text.strip() else ALL
            except QueryError as error:
                problems.append(f"{rule.name}.{key}: {error.message} (at character {error.position} of {text!r})")
        if len(parts) == 2:
            compiled.append(CompiledRule(rule, parts["query"], And((parts["query"], parts["errors"]))))
    if problems:
        raise RuleError(
            "\n".join(["alert rules whose queries do not parse:", *(f"  - {problem}" for problem in problems)]),
            hint="`clew search QUERY` tries a query; text with `:` or spaces needs double quotes",
        )
    return tuple(compiled)


def _repeated(what: str, names: Iterator[str]) -> list[str]:
    return [f"{what} `{name}` is there {n} times" for name, n in Counter(names).items() if n > 1]
