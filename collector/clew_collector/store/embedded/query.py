"""Translating an expression to a query of one index, with the meaning that `store/matching.py` fixes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, inf

import tantivy
from tantivy import FieldType, Occur, Query

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
    tokens,
)
from clew_collector.store.matching import (
    ATTRIBUTE_PREFIX,
    Number,
    as_double,
    as_number,
    is_numeric,
    keyword_bounds,
    numeric_bounds,
    wildcard_regex,
)
from clew_collector.store.number_code import number_code
from clew_collector.store.place import PLACE_MAX, first_place, place_of, places_between, places_with_prefix, split_place
from clew_collector.store.protocol import Cursor

from .schema import (
    ID_FIELDS,
    MARK_BODYLESS,
    MARK_GENERATED,
    MARK_LASTING,
    MARK_RECORD,
    MARK_UNTIMED,
    RECORD_FIELD,
    SCHEMA,
    SIGNED_FIELDS,
)
from .terms import (
    ANY_MANY,
    between_pattern,
    escape,
    number_prefix,
    term,
    term_prefix,
    wildcard_pattern,
)

__all__ = ["QueryBuilder", "all_of", "any_of", "behind", "equal", "has", "in_time", "place_query"]

UINT64_MAX = (1 << 64) - 1


def all_of(*queries: Query) -> Query:
    """Return the query of what all of them find."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])


def any_of(queries: Sequence[Query]) -> Query:
    """Return the query of what at least one of them finds."""
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def none_of(query: Query) -> Query:
    """Return the query of what this one does not find."""
    return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, query)])


def between(field: str, low: Number, high: Number) -> Query:
    """Return the query of a number field's range, both bounds included, whatever lies outside of 64 bits."""
    signed = field in SIGNED_FIELDS
    floor_, top = (INT64_MIN, INT64_MAX) if signed else (0, UINT64_MAX)
    if low > top or high < floor_ or low > high:
        return Query.empty_query()
    first = floor_ if low <= floor_ else ceil(low)
    last = top if high >= top else floor(high)
    if first > last:
        return Query.empty_query()
    if (first, last) == (floor_, top):
        return Query.all_query()
    return Query.range_query(SCHEMA, field, FieldType.Integer if signed else FieldType.Unsigned, first, last)


def equal(field: str, value: int) -> Query:
    """Return the query of a number field's value."""
    return between(field, value, value)


def in_time(start: int | None, end: int | None) -> Query | None:
    """Return the query of `start` <= time < `end`, None if both are open."""
    if start is None and end is None:
        return None
    return between("time", -inf if start is None else start, inf if end is None else end - 1)


def place_query(first: int, last: int) -> Query:
    """Return the query of the events whose id, as a number, lies between, both included."""
    if first >> 48 == last >> 48:  # one file: its term leads to its events without looking at all others
        (_, first_low), (_, last_low) = split_place(first), split_place(last)
        event_id = f"{first:032x}"
        in_file = all_of(has("file", event_id[:20]), between("place_low", first_low, last_low))
        if first == last:
            return any_of([in_file, has(RECORD_FIELD, event_id)])
        return any_of([in_file, all_of(has("mark", MARK_RECORD), _places_between(first, last))])
    return _places_between(first, last)


def _places_between(first: int, last: int) -> Query:
    (first_high, first_low), (last_high, last_low) = split_place(first), split_place(last)
    if first_high == last_high:
        return all_of(equal("place_high", first_high), between("place_low", first_low, last_low))
    return any_of(
        [
            all_of(equal("place_high", first_high), between("place_low", first_low, UINT64_MAX)),
            between("place_high", first_high + 1, last_high - 1),
            all_of(equal("place_high", last_high), between("place_low", 0, last_low)),
        ]
    )


def behind(cursor: Cursor, *, descending: bool) -> Query:
    """Return the query of the events behind a place in the order `(time, event_id)`; there need be no event there."""
    if descending:
        later = between("time", -inf, cursor.time - 1)
        first, last = 0, first_place(cursor.event_id) - 1
    else:
        later = between("time", cursor.time + 1, inf)
        first, last = first_place(cursor.event_id, above=True), PLACE_MAX
    if first > last:
        return later
    return any_of([later, all_of(equal("time", cursor.time), place_query(first, last))])


def has(field: str, value: str) -> Query:
    """Return the query of a keyword, mark or file."""
    return Query.term_query(SCHEMA, "terms", term(field, value), "basic")


class QueryBuilder:
    """Translates expressions for one searcher.

    What the engine cannot ask a field's dictionary (an order of texts, a pattern over 1,000 states) is answered by
    walking the dictionary's terms here.
    """

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher

    def build(self, expression: Expression) -> Query:
        """Return the query."""
        match expression:
            case All():
                return Query.all_query()
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
            return any_of([_contains(None, [value]), self._is("ids", value)])
        if field in TEXT_FIELDS:
            return _contains(field, [value])
        if field in NUMBER_FIELDS:
            number = as_number(value)
            return Query.empty_query() if number is None else _number_between(field, number, number)
        if not value:
            return Query.empty_query()
        place = place_of(value)
        found = [has(name, value) for name in _keyword_fields(field)]
        if place is not None:
            found += _places(field, (place, place))
        return any_of(found)

    def _begins(self, field: str | None, value: str) -> Query:
        if field is None or field in TEXT_FIELDS:
            lower = value.lower()
            return any_of([self._terms(name, lower, ANY_MANY) for name in _text_columns(field)])
        found = [self._terms("terms", term_prefix(name) + value, ANY_MANY) for name in _keyword_fields(field)]
        return any_of(found + _places(field, places_with_prefix(value)))

    def _like(self, field: str | None, pattern: str) -> Query:
        if field is None or field in TEXT_FIELDS:
            pattern = pattern.lower()
            dictionaries = [(name, "") for name in _text_columns(field)]
        else:
            dictionaries = [("terms", term_prefix(name)) for name in _keyword_fields(field)]
        regex, translated = wildcard_regex(pattern), wildcard_pattern(pattern)
        return any_of(
            [
                self._terms(name, prefix, translated, lambda rest: regex.fullmatch(rest) is not None)
                for name, prefix in dictionaries
            ]
        )

    def _exists(self, field: str) -> Query:
        if field in TEXT_FIELDS:
            return none_of(has("mark", MARK_BODYLESS))
        if field in NUMBER_FIELDS:
            if field == "duration":
                return has("mark", MARK_LASTING)
            return none_of(has("mark", MARK_UNTIMED)) if field == "timestamp" else Query.all_query()
        return self._begins(field, "")

    def _range(self, wanted: Range) -> Query:
        field = wanted.field
        if field in NUMBER_FIELDS:
            return _number_range(wanted)
        if is_numeric(wanted):
            return self._attribute_range(wanted)
        low, high = keyword_bounds(wanted)

        def lies_between(value: str) -> bool:
            above = value >= low if wanted.include_low else value > low
            return value != "" and above and (high is None or (value <= high if wanted.include_high else value < high))

        found = [self._walk("terms", term_prefix(name), lies_between) for name in _keyword_fields(field)]
        return any_of(found + _places(field, places_between(wanted)))

    def _attribute_range(self, wanted: Range) -> Query:
        bounds = numeric_bounds(wanted)
        if bounds is None:
            return Query.empty_query()
        low, high = (number_code(as_double(bound)) for bound in bounds)
        low += not wanted.include_low
        high -= not wanted.include_high
        if low > high:
            return Query.empty_query()
        prefix = number_prefix(wanted.field[len(ATTRIBUTE_PREFIX) :])
        low_text, high_text = f"{low:016x}", f"{high:016x}"
        return self._terms(
            "terms", prefix, between_pattern(low_text, high_text), lambda code: low_text <= code <= high_text
        )

    def _terms(self, field: str, prefix: str, pattern: str, test: Callable[[str], bool] | None = None) -> Query:
        """Return the query of the terms that are `prefix` and then the pattern; `test` says the same of a rest."""
        try:
            return Query.regex_query(SCHEMA, field, escape(prefix) + pattern)
        except ValueError as error:
            if "states" not in str(error):
                raise
        return self._walk(field, prefix, test or (lambda _rest: True))

    def _walk(self, field: str, prefix: str, test: Callable[[str], bool]) -> Query:
        terms = (found for found, _count in self._searcher.terms_with_prefix(field, prefix))
        wanted = [found for found in terms if test(found[len(prefix) :])]
        return Query.term_set_query(SCHEMA, field, wanted) if wanted else Query.empty_query()


def _keyword_fields(field: str) -> tuple[str, ...]:
    """Return the fields whose terms are this field's keywords."""
    if field == "ids":
        return ID_FIELDS
    known = (field in KEYWORD_FIELDS and field != "event_id") or field.startswith(ATTRIBUTE_PREFIX)
    return (field,) if known else ()


def _text_columns(field: str | None) -> tuple[str, ...]:
    return ("body", "values") if field is None else ("body",)


def _contains(field: str | None, values: Iterable[str]) -> Query:
    words = [word for value in values for word in tokens(value)]
    if not words or (field is not None and field not in TEXT_FIELDS):
        return Query.empty_query()
    if len(words) == 1:
        return any_of([Query.term_query(SCHEMA, name, words[0], "basic") for name in _text_columns(field)])
    return any_of([Query.phrase_query(SCHEMA, name, list(words)) for name in _text_columns(field)])


def _places(field: str, places: tuple[int, int] | None) -> list[Query]:
    """Return what a field finds by the place of a line: event ids, and transaction ids made from them."""
    if places is None or field not in {"event_id", "transaction_id", "ids"}:
        return []
    found = place_query(*places)
    return [found if field == "event_id" else all_of(has("mark", MARK_GENERATED), found)]


def _number_range(wanted: Range) -> Query:
    bounds = numeric_bounds(wanted)
    if bounds is None:
        return Query.empty_query()
    low, high = bounds
    if not wanted.include_low and low != -inf:
        low = floor(low) + 1 if low != inf else inf
    if not wanted.include_high and high != inf:
        high = ceil(high) - 1 if high != -inf else -inf
    return _number_between(wanted.field, low, high)


def _number_between(field: str, low: Number, high: Number) -> Query:
    if field == "timestamp":
        return Query.boolean_query(
            [(Occur.Must, between("time", low, high)), (Occur.MustNot, has("mark", MARK_UNTIMED))]
        )
    if field == "duration":
        return all_of(has("mark", MARK_LASTING), between(field, low, high))
    return between(field, low, high)
