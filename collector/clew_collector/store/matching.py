"""What an expression means, as code: whether one event matches. Stores agree with it; live tails use it as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import inf, isfinite, isnan
from typing import Any

from clew_collector.event import Event

from .expression import (
    KEYWORD_CHARACTERS_MAX,
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
    attribute_text,
    tokens,
)

__all__ = [
    "ATTRIBUTE_PREFIX",
    "Number",
    "as_double",
    "as_number",
    "attribute_number",
    "attribute_values",
    "facet_values",
    "has_generated_id",
    "is_numeric",
    "keyword",
    "keyword_bounds",
    "matches",
    "numeric_bounds",
    "wildcard_parts",
    "wildcard_regex",
]

ATTRIBUTE_PREFIX = "attributes."
Number = int | float
Test = Callable[[str], bool]


def matches(expression: Expression, event: Event) -> bool:
    """Return whether the event matches. Pure; an unknown field has no value."""
    match expression:
        case All():
            return True
        case And(parts):
            return all(matches(part, event) for part in parts)
        case Or(parts):
            return any(matches(part, event) for part in parts)
        case Not(part):
            return not matches(part, event)
        case Exists(field):
            return _exists(field, event)
        case Term():
            return _term(expression, event)
        case Phrase(field, words):
            return any(_contains(text, words) for text in _texts(field, event))
        case Prefix(field, value):
            return _any_value(field, event, *_starts(value))
        case Wildcard(field, pattern):
            return _any_value(field, event, *_wildcards(pattern), generated=False)
        case Range():
            return _range(expression, event)


def keyword(value: str) -> str:
    """Return a keyword as it is compared: cut to `KEYWORD_CHARACTERS_MAX` characters."""
    return value if len(value) <= KEYWORD_CHARACTERS_MAX else value[:KEYWORD_CHARACTERS_MAX]


def as_number(text: str) -> Number | None:
    """Return the number that a text is, None if it is none (or not a number: `nan`)."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return None if isnan(number) else number


def numeric_bounds(expression: Range) -> tuple[Number, Number] | None:
    """Return the range's bounds as numbers, open ones as infinities; None if one is no number."""
    low, high = (as_number(b) if isinstance(b, str) else b for b in (expression.low, expression.high))
    low = -inf if expression.low is None else low
    high = inf if expression.high is None else high
    return None if low is None or high is None or isnan(low) or isnan(high) else (low, high)


def is_numeric(expression: Range) -> bool:
    """Return whether a range over an attribute asks for numbers: it has a bound, and no bound is text."""
    bounds = [bound for bound in (expression.low, expression.high) if bound is not None]
    return (
        expression.field.startswith(ATTRIBUTE_PREFIX)
        and bool(bounds)
        and not any(isinstance(bound, str) for bound in bounds)
    )


def keyword_bounds(expression: Range) -> tuple[str, str | None]:
    """Return a keyword range's bounds; an open one is the empty text, or None."""
    low = "" if expression.low is None else keyword(attribute_text(expression.low))
    return low, None if expression.high is None else keyword(attribute_text(expression.high))


def attribute_number(value: Any) -> float | None:
    """Return an attribute's value as the double that ranges compare it by; None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = as_double(value)
    return number + 0.0 if isfinite(number) else None  # -0.0 becomes 0.0, which a store's order tells apart


def attribute_values(event: Event) -> list[str]:
    """Return the texts of all attributes that have a value."""
    return [text for value in event.attributes.values() if value is not None and (text := attribute_text(value))]


def facet_values(field: str, event: Event) -> set[str]:
    """Return the event's values of a keyword field or attribute, as a facet counts them (no generated ids)."""
    return {value for value in _keywords(field, event, generated=False) if value}


def has_generated_id(event: Event) -> bool:
    """Return whether the transaction id was made from the event id, so that it says nothing but the line's place."""
    return event.transaction_origin == "generated" and event.transaction_id == event.event_id


def wildcard_parts(pattern: str) -> list[str | None]:
    """Return a pattern as literal texts, `None` for any characters, and empty text for one character."""
    parts: list[str | None] = []
    literal = ""
    for piece in re.findall(r"\\.|.|\\", pattern, re.DOTALL):
        if piece not in {"*", "?"}:
            literal += piece[-1]
            continue
        parts += [literal] if literal else []
        literal = ""
        if piece == "?" or not (parts and parts[-1] is None):
            parts.append("" if piece == "?" else None)
    return parts + ([literal] if literal else [])


def as_double(number: Number) -> float:
    """Return the nearest double, an infinity beyond the greatest."""
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def _keywords(field: str, event: Event, *, generated: bool = True) -> tuple[str, ...]:
    if field.startswith(ATTRIBUTE_PREFIX):
        value = event.attributes.get(field[len(ATTRIBUTE_PREFIX) :])
        return () if value is None else (keyword(attribute_text(value)),)
    if field not in KEYWORD_FIELDS or (field == "event_id" and not generated):
        return ()
    values: tuple[str, ...]
    if field == "ids":
        values = event.ids
    elif field == "links":
        values = tuple(link.transaction_id for link in event.links)
    else:
        values = (getattr(event, field),)
    if not generated and field in {"ids", "transaction_id"} and has_generated_id(event):
        values = tuple(value for value in values if value != event.transaction_id)
    return tuple(keyword(value) for value in values)


def _texts(field: str | None, event: Event) -> Iterable[list[str]]:
    if field is None:
        return map(tokens, [event.body, *attribute_values(event)])
    return [tokens(event.body)] if field in TEXT_FIELDS else []


def _contains(text: list[str], words: Iterable[str]) -> bool:
    wanted = [word for value in words for word in tokens(value)]
    n = len(wanted)
    return n > 0 and any(text[i : i + n] == wanted for i in range(len(text) - n + 1))


def _term(term: Term, event: Event) -> bool:
    field = term.field
    if field in NUMBER_FIELDS:
        wanted = as_number(term.value)
        return wanted is not None and getattr(event, field) == wanted
    if field is None or field in TEXT_FIELDS:
        by_text = any(_contains(text, [term.value]) for text in _texts(field, event))
        return by_text or (field is None and _is_any(term.value, "ids", event))
    return _is_any(term.value, field, event)


def _is_any(value: str, field: str, event: Event) -> bool:
    return value != "" and keyword(value) in _keywords(field, event)


def _any_value(
    field: str | None, event: Event, test_keyword: Test, test_token: Test, *, generated: bool = True
) -> bool:
    if field is None or field in TEXT_FIELDS:
        return any(test_token(token) for text in _texts(field, event) for token in text)
    return any(value != "" and test_keyword(value) for value in _keywords(field, event, generated=generated))


def _starts(value: str) -> tuple[Test, Test]:
    lower = value.lower()
    return lambda text: text.startswith(value), lambda text: text.startswith(lower)


@lru_cache(maxsize=256)
def _wildcards(pattern: str) -> tuple[Test, Test]:
    exact, lower = wildcard_regex(pattern), wildcard_regex(pattern.lower())
    return lambda text: exact.fullmatch(text) is not None, lambda text: lower.fullmatch(text) is not None


def wildcard_regex(pattern: str) -> re.Pattern[str]:
    """Return the expression that a whole text matches if it matches the Wildcard's pattern, in linear time."""
    segments = [""]
    for part in wildcard_parts(pattern):
        if part is None:
            segments.append("")
        else:
            segments[-1] += re.escape(part) or "."
    first, *rest = segments
    if not rest:
        return re.compile(first, re.DOTALL)
    # Each `*` but the last takes the nearest place of what follows and keeps it (atomic group), as that is never
    # worse; so the time is linear in the text whatever the pattern. Python's fnmatch.translate does the same.
    middle = "".join(f"(?>.*?{segment})" for segment in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _exists(field: str, event: Event) -> bool:
    if field in TEXT_FIELDS:
        return bool(event.body)
    if field in NUMBER_FIELDS:
        return getattr(event, field) is not None
    return any(_keywords(field, event))


def _range(wanted: Range, event: Event) -> bool:
    field = wanted.field
    if field in NUMBER_FIELDS:
        bounds, value = numeric_bounds(wanted), getattr(event, field)
        return bounds is not None and value is not None and _between(value, *bounds, wanted)
    if is_numeric(wanted):
        bounds, number = numeric_bounds(wanted), attribute_number(event.attributes.get(field[len(ATTRIBUTE_PREFIX) :]))
        if bounds is None or number is None:
            return False
        return _between(number, as_double(bounds[0]), as_double(bounds[1]), wanted)
    low, high = keyword_bounds(wanted)
    return any(
        value != "" and _between(value, low, value if high is None else high, wanted, open_high=high is None)
        for value in _keywords(field, event)
    )


def _between(value: Any, low: Any, high: Any, wanted: Range, *, open_high: bool = False) -> bool:
    above = value >= low if wanted.include_low else value > low
    below = open_high or (value <= high if wanted.include_high else value < high)
    return bool(above and below)
