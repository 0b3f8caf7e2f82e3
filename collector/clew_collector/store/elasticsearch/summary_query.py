"""Translating an expression over transactions to Elasticsearch's language, as `matches_summary` means it. Pure."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import Any

from clew_collector.store.admission import INT64_MAX, INT64_MIN
from clew_collector.store.expression import All, And, Exists, Expression, Not, Or, Prefix, Range, Term, Wildcard
from clew_collector.store.matching import Number, as_number, keyword, keyword_bounds, numeric_bounds, wildcard_parts

from .query import EVERYTHING, NOTHING, Query, all_of, any_of, none_of

__all__ = ["begun", "build"]

SEVERITY_MAX = 127
_NUMBERS = {"duration": "duration", "end": "end", "severity_number": "severity_number", "time": "start"}
_KEYWORDS = {"name": "name", "root": "root", "service": "services", "transaction_id": "transaction_id"}
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\*?"})


def begun(start: int | None, end: int | None) -> Query:
    """Return the query of the transactions with `start` <= begin < `end`."""
    if start is None and end is None:
        return EVERYTHING
    return _between("start", -inf if start is None else start, inf if end is None else end - 1)


def build(expression: Expression) -> Query:
    """Return the query of an expression that passed `check_summary_expression`."""
    match expression:
        case All():
            return EVERYTHING
        case And(parts):
            return all_of(*map(build, parts))
        case Or(parts):
            return any_of([build(part) for part in parts])
        case Not(part):
            return none_of(build(part))
        case Exists(field):
            return {"exists": {"field": _KEYWORDS.get(field) or _NUMBERS[field]}}
        case Term(str(field), value) if field in _NUMBERS:
            number = as_number(value)
            return NOTHING if number is None else _between(_NUMBERS[field], number, number)
        case Term(str(field), value):
            return {"term": {_KEYWORDS[field]: keyword(value)}} if value else NOTHING
        case Prefix(str(field), value) if field in _KEYWORDS:
            column = _KEYWORDS[field]
            return {"prefix": {column: value}} if value else {"exists": {"field": column}}
        case Wildcard(str(field), pattern) if field in _KEYWORDS:
            pieces = ["*" if part is None else part.translate(_SPECIAL) or "?" for part in wildcard_parts(pattern)]
            return {"wildcard": {_KEYWORDS[field]: {"value": "".join(pieces)}}}
        case Range(field):
            return _number_range(expression) if field in _NUMBERS else _keyword_range(expression)
    return NOTHING


def _number_range(wanted: Range) -> Query:
    bounds = numeric_bounds(wanted)
    if bounds is None:
        return NOTHING
    low, high = bounds
    if not wanted.include_low and low != -inf:
        low = floor(low) + 1 if low != inf else inf
    if not wanted.include_high and high != inf:
        high = ceil(high) - 1 if high != -inf else -inf
    return _between(_NUMBERS[wanted.field], low, high)


def _between(column: str, low: Number, high: Number) -> Query:
    """Return the query of a number's range, both bounds included, whatever lies outside of its type."""
    floor_, top = (0, SEVERITY_MAX) if column == "severity_number" else (INT64_MIN, INT64_MAX)
    if low > top or high < floor_ or low > high:
        return NOTHING
    first = floor_ if low <= floor_ else ceil(low)
    last = top if high >= top else floor(high)
    return NOTHING if first > last else {"range": {column: {"gte": first, "lte": last}}}


def _keyword_range(wanted: Range) -> Query:
    low, high = keyword_bounds(wanted)
    bounds: dict[str, Any] = {"gte" if wanted.include_low else "gt": low}
    if high is not None:
        bounds["lte" if wanted.include_high else "lt"] = high
    return {"range": {_KEYWORDS[wanted.field]: bounds}}
