"""Translating an expression to Elasticsearch's query language, with the meaning of `store/matching.py`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import ceil, floor, inf
from typing import Any

from clew_collector.store.admission import INT64_MAX, INT64_MIN
from clew_collector.store.expression import (
    KEYWORD_FIELDS,
    NUMBER_FIELDS,
    TEXT_FIELDS,
    All,
    And,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    Prefix,
    Range,
    Term,
    Wildcard,
)
from clew_collector.store.matching import (
    ATTRIBUTE_PREFIX,
    Number,
    as_double,
    as_number,
    is_numeric,
    keyword,
    keyword_bounds,
    numeric_bounds,
    wildcard_parts,
)
from clew_collector.store.number_code import number_code
from clew_collector.store.place import place_of, places_between, places_with_prefix

from .document import BODY_WORD, VALUE_WORD, attribute_prefix, number_prefix, signed
from .patterns import Sought, begins, between_keywords, like
from .template import MARK_BODY, MARK_GENERATED, MARK_UNTIMED
from .words import LONG, words_of

__all__ = [
    "EVERYTHING", "NOTHING", "Query", "QueryBuilder", "all_of", "any_of", "between", "facet_column", "none_of",
    "within",
]  # fmt: skip

Query = dict[str, Any]
EVERYTHING: Query = {"match_all": {}}
NOTHING: Query = {"match_none": {}}

_ID_FIELDS = ("transaction_id", "aliases", "span_id", "parent_span_id")
_SIGNED = frozenset({"time", "observed_timestamp"})
SEVERITY_MAX = 127
"""A byte's."""
_WORD_KINDS = {"words": BODY_WORD, "values": VALUE_WORD}
_is_word = re.compile(r"[^\W_]*").fullmatch


def all_of(*queries: Query) -> Query:
    """Return the query of what all of them find; nothing is scored."""
    return queries[0] if len(queries) == 1 else {"bool": {"filter": list(queries)}}


def any_of(queries: Sequence[Query]) -> Query:
    """Return the query of what at least one of them finds."""
    if not queries:
        return NOTHING
    return queries[0] if len(queries) == 1 else {"bool": {"should": list(queries), "minimum_should_match": 1}}


def none_of(query: Query) -> Query:
    """Return the query of what this one does not find."""
    return {"bool": {"must_not": [query]}}


def between(field: str, low: Number, high: Number) -> Query:
    """Return the query of a number field's range, both bounds included, whatever lies outside of its type."""
    floor_ = INT64_MIN if field in _SIGNED else 0
    top = SEVERITY_MAX if field == "severity_number" else INT64_MAX
    if low > top or high < floor_ or low > high:
        return NOTHING
    first = floor_ if low <= floor_ else ceil(low)
    last = top if high >= top else floor(high)
    if first > last:
        return NOTHING
    if (first, last) == (floor_, top):
        return {"exists": {"field": field}}
    return {"range": {field: {"gte": first, "lte": last}}}


def within(start: int | None, end: int | None) -> Query:
    """Return the query of `start` <= time < `end`."""
    if start is None and end is None:
        return EVERYTHING
    return between("time", -inf if start is None else start, inf if end is None else end - 1)


class QueryBuilder:
    """Translates expressions. Pure: what the engine cannot take is named, for who can look at its keywords."""

    def __init__(self, found: Mapping[Sought, Sequence[str]] | None = None) -> None:
        self._found = found or {}
        self.sought: set[Sought] = set()
        """What was met and whose keywords were not given; until they are, the query finds nothing for it."""

    def build(self, expression: Expression) -> Query:
        """Return the query of an expression."""
        match expression:
            case All():
                return EVERYTHING
            case And(parts):
                return all_of(*map(self.build, parts))
            case Or(parts):
                return any_of([self.build(part) for part in parts])
            case Not(part):
                return none_of(self.build(part))
            case Exists(field):
                return self._exists(field)
            case Term(field, value):
                return self._is(field, value)
            case Phrase(field, words):
                return _contains(field, words)
            case Prefix(field, value):
                return self._begins(field, value)
            case Wildcard(field, pattern):
                return self._like(field, pattern)
            case Range():
                return self._range(expression)

    def _is(self, field: str | None, value: str) -> Query:
        if field is None:
            return any_of([_contains(None, (value,)), self._is("ids", value)])
        if field in TEXT_FIELDS:
            return _contains(field, (value,))
        if field in NUMBER_FIELDS:
            number = as_number(value)
            return NOTHING if number is None else _number_between(field, number, number)
        if not value:
            return NOTHING
        found: list[Query] = [{"term": {column: prefix + keyword(value)}} for column, prefix in _columns(field)]
        place = place_of(value)
        return any_of(found + _places(field, None if place is None else (place, place)))

    def _begins(self, field: str | None, value: str) -> Query:
        if field is None or field in TEXT_FIELDS:
            lower = value.lower()
            if not _is_word(lower):
                return NOTHING
            columns = [column for name in _texts(field) for column in _word_columns(name)]
            return any_of([self._ask(begins(*column, lower)) for column in columns if _has_room(*column, lower)])
        found = [self._ask(begins(*column, value)) for column in _columns(field)]
        return any_of(found + _places(field, places_with_prefix(value)))

    def _like(self, field: str | None, pattern: str) -> Query:
        if field is None or field in TEXT_FIELDS:
            pattern = pattern.lower()
            return any_of([self._has_word_like(name, pattern) for name in _texts(field)])
        return any_of([self._ask(like(*column, pattern)) for column in _columns(field)])

    def _has_word_like(self, name: str, pattern: str) -> Query:
        parts = wildcard_parts(pattern)
        if not all(part is None or _is_word(part) for part in parts):
            return NOTHING
        long = self._ask(like("long_words", _WORD_KINDS[name], pattern))
        # A word has at most so many characters; and just so many, any, would be the one that stands in for a long one.
        characters = sum(len(part) or 1 for part in parts if part is not None)
        if characters > LONG or parts == [""] * LONG:
            return long
        return any_of([self._ask(like(name, "", pattern)), long])

    def _ask(self, found: Query | Sought | None) -> Query:
        if found is None:
            return NOTHING
        if isinstance(found, dict):
            return found
        if (keywords := self._found.get(found)) is None:
            self.sought.add(found)
            return NOTHING
        return {"terms": {found.column: list(keywords)}}

    def _exists(self, field: str) -> Query:
        if field in TEXT_FIELDS:
            return {"term": {"marks": MARK_BODY}}
        if field in NUMBER_FIELDS:
            if field == "timestamp":
                return none_of({"term": {"marks": MARK_UNTIMED}})
            return {"exists": {"field": field}}
        return self._begins(field, "")

    def _range(self, wanted: Range) -> Query:
        field = wanted.field
        if field in NUMBER_FIELDS:
            return _number_range(wanted)
        if is_numeric(wanted):
            return _attribute_range(wanted)
        low, high = keyword_bounds(wanted)
        found = [self._ask(between_keywords(*column, low, high, wanted)) for column in _columns(field)]
        return any_of(found + _places(field, places_between(wanted)))


def facet_column(field: str) -> tuple[str, str]:
    """Return the document's field that holds a facet's values, and what each of them begins with there."""
    if field.startswith(ATTRIBUTE_PREFIX):
        return "terms", attribute_prefix(field[len(ATTRIBUTE_PREFIX) :])
    return field, ""


def _columns(field: str) -> list[tuple[str, str]]:
    """Return the document's fields that hold this field's keywords, each with what they begin with there."""
    if field == "ids":
        return [(name, "") for name in _ID_FIELDS]
    if field == "links":
        return [("linked", "")]
    if field.startswith(ATTRIBUTE_PREFIX) or (field in KEYWORD_FIELDS and field != "event_id"):
        return [facet_column(field)]
    return []


def _attribute_range(wanted: Range) -> Query:
    bounds = numeric_bounds(wanted)
    if bounds is None:
        return NOTHING
    low, high = (number_code(as_double(bound) + 0.0) for bound in bounds)
    prefix = number_prefix(wanted.field[len(ATTRIBUTE_PREFIX) :])
    return {
        "range": {
            "terms": {
                "gte" if wanted.include_low else "gt": f"{prefix}{low:016x}",
                "lte" if wanted.include_high else "lt": f"{prefix}{high:016x}",
            }
        }
    }


def _texts(field: str | None) -> tuple[str, ...]:
    return ("words", "values") if field is None else ("words",)


def _word_columns(name: str) -> list[tuple[str, str]]:
    return [(name, ""), ("long_words", _WORD_KINDS[name])]


def _has_room(column: str, _prefix: str, word: str) -> bool:
    """Return whether the column has words so long."""
    return column == "long_words" or len(word) <= LONG


def _contains(field: str | None, values: tuple[str, ...]) -> Query:
    words = words_of(values)
    if not words or (field is not None and field not in TEXT_FIELDS):
        return NOTHING
    if len(words) == 1:
        return any_of([{"term": {name: words[0]}} for name in _texts(field)])
    return any_of([{"match_phrase": {name: " ".join(words)}} for name in _texts(field)])


def _places(field: str, places: tuple[int, int] | None) -> list[Query]:
    """Return what a field finds by the place of a line: event ids, and transaction ids made from them."""
    if places is None or field not in {"event_id", "transaction_id", "ids"}:
        return []
    found = _place_query(*places)
    return [found if field == "event_id" else all_of({"term": {"marks": MARK_GENERATED}}, found)]


def _place_query(first: int, last: int) -> Query:
    """Return the query of the events whose id, as a number, lies between, both included."""
    if first == last:
        return {"ids": {"values": [f"{first:032x}"]}}
    (first_high, first_low), (last_high, last_low) = signed(first), signed(last)
    lows = {"range": {"place_low": {"gte": first_low, "lte": last_low}}}
    if first >> 48 == last >> 48:  # one file: its term leads to its events without looking at all others
        return all_of({"term": {"file_id": f"{first:032x}"[:20]}}, lows)
    if first_high == last_high:
        return all_of({"term": {"place_high": first_high}}, lows)
    middle = {"range": {"place_high": {"gt": first_high, "lt": last_high}}}
    return any_of(
        [
            all_of({"term": {"place_high": first_high}}, {"range": {"place_low": {"gte": first_low}}}),
            middle,
            all_of({"term": {"place_high": last_high}}, {"range": {"place_low": {"lte": last_low}}}),
        ]
    )


def _number_range(wanted: Range) -> Query:
    bounds = numeric_bounds(wanted)
    if bounds is None:
        return NOTHING
    low, high = bounds
    if not wanted.include_low and low != -inf:
        low = floor(low) + 1 if low != inf else inf
    if not wanted.include_high and high != inf:
        high = ceil(high) - 1 if high != -inf else -inf
    return _number_between(wanted.field, low, high)


def _number_between(field: str, low: Number, high: Number) -> Query:
    if field == "timestamp":
        return all_of(between("time", low, high), none_of({"term": {"marks": MARK_UNTIMED}}))
    return between(field, low, high)
