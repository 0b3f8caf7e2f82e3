"""Queries over transactions as a whole: the same language, over the few fields that a summary has."""

from __future__ import annotations

from time import time_ns

from clew_collector.event import Severity
from clew_collector.store.expression import And, Exists, Expression, Not, Or, Prefix, Range, Term, Wildcard
from clew_collector.store.matching import ATTRIBUTE_PREFIX
from clew_collector.store.summary import SUMMARY_FIELDS
from clew_query.errors import QueryError
from clew_query.times import Now

from .compiler import compile_query

__all__ = ["compile_transactions_query"]

_ERROR = Range("severity_number", low=int(Severity.ERROR))
_NAMES = {"timestamp": "time", "start": "time", "ids": "transaction_id"}
_HINT = "service, root, name, severity, error:true, duration>1s, time, end, id; `clew search` looks into the events"


def compile_transactions_query(text: str, *, now: Now = time_ns) -> Expression:
    """Return the expression over summaries that the query asks for; QueryError for what no summary can tell."""
    return _Summaries(text).expression(compile_query(text, now=now))


class _Summaries:
    """Takes an expression over events to the same over summaries."""

    def __init__(self, text: str) -> None:
        self._text = text

    def expression(self, expression: Expression) -> Expression:
        match expression:
            case And(parts):
                return And(tuple(map(self.expression, parts)))
            case Or(parts):
                return self.alternatives(parts)
            case Not(part):
                return Not(self.expression(part))
            case Term(field, value) if field == "attributes.error" and value in {"true", "false"}:
                return _ERROR if value == "true" else Not(_ERROR)
            case Term(field, value):
                return Term(self.field(field), value)
            case Prefix(field, value):
                return Prefix(self.field(field), value)
            case Wildcard(field, pattern):
                return Wildcard(self.field(field), pattern)
            case Exists(field):
                return Exists(self.field(field))
            case Range(field, low, high, include_low, include_high):
                return Range(self.field(field), low, high, include_low, include_high)
        return expression

    def alternatives(self, parts: tuple[Expression, ...]) -> Expression:
        # `duration:1s` also asks for an attribute of that name, which transactions have not.
        own = [part for part in parts if getattr(part, "field", None) == "duration"]
        rest = [part for part in parts if getattr(part, "field", None) != f"{ATTRIBUTE_PREFIX}duration"]
        return Or(tuple(map(self.expression, rest if own else parts)))

    def field(self, field: str | None) -> str:
        if field is None:
            raise QueryError("transactions have no text to find words in", position=0, hint=f"ask by {_HINT}")
        name = field.removeprefix(ATTRIBUTE_PREFIX)
        name = _NAMES.get(name, name)
        if name not in SUMMARY_FIELDS or field == "attributes.duration":
            what = "a duration without its unit (1s, 250ms)" if name == "duration" else f"`{name}`"
            raise QueryError(
                f"transactions cannot be asked by {what}",
                position=max(self._text.find(name), 0),
                hint=f"ask by {_HINT}",
            )
        return name
