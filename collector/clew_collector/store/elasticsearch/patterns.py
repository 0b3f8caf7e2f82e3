"""Patterns and beginnings of keywords, in the forms that the engine takes. Pure.

Lucene compiles patterns and ranges to automata over bytes, and refuses one that is more than 1,000 bytes deep. What is
deeper is `Sought`: its keywords are looked for here, among those that the column has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from clew_collector.store.expression import KEYWORD_CHARACTERS_MAX, Range
from clew_collector.store.matching import wildcard_parts, wildcard_regex

__all__ = ["Between", "Pattern", "Sought", "begins", "between_keywords", "like"]

DEPTH_BYTES_MAX = 900
"""Lucene's limit is 1,000."""
CHARACTER_BYTES_MAX = 4
WILDCARD_PARTS_MAX = 40
REGEXP_CHARACTERS_MAX = 1_000
"""Elasticsearch's limit."""
REGEXP_EFFORT_MAX = 1_000_000
_REGEXP_SPECIAL = str.maketrans({character: f"\\{character}" for character in '\\.?+*|{}[]()"#@&<>~^'})
_WILDCARD_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\*?"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern over a column's keywords that is too long for the engine."""

    column: str
    prefix: str
    """What the keywords begin with there; it is no part of the pattern."""
    pattern: str

    def matches(self, value: str) -> bool:
        """Return whether a keyword of the column matches."""
        return value.startswith(self.prefix) and _whole(self.pattern)(value[len(self.prefix) :]) is not None


@lru_cache(maxsize=64)
def _whole(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return wildcard_regex(pattern).fullmatch


@dataclass(frozen=True, slots=True)
class Between:
    """A range of a column's keywords whose bounds are too long for the engine."""

    column: str
    prefix: str
    low: str
    high: str | None
    wanted: Range

    def matches(self, value: str) -> bool:
        """Return whether a keyword of the column lies between."""
        if not value.startswith(self.prefix):
            return False
        value = value[len(self.prefix) :]
        above = value >= self.low if self.wanted.include_low else value > self.low
        if self.high is None:
            return above
        return above and (value <= self.high if self.wanted.include_high else value < self.high)


Sought = Pattern | Between
Query = dict[str, Any]


def begins(column: str, prefix: str, value: str) -> Query | Sought | None:
    """Return the query of the keywords that are `prefix` and then begin with the value; None if none can."""
    whole = prefix + value
    if not whole:
        return {"exists": {"field": column}}
    if len(whole.encode()) <= DEPTH_BYTES_MAX:
        return {"prefix": {column: whole}}
    return like(column, prefix, value.translate(_WILDCARD_SPECIAL) + "*")


def between_keywords(column: str, prefix: str, low: str, high: str | None, wanted: Range) -> Query | Sought:
    """Return the query of the keywords that are `prefix` and then lie in the range."""
    if max(len(prefix) + len(low), len(prefix) + len(high or "")) * CHARACTER_BYTES_MAX > DEPTH_BYTES_MAX:
        return Between(column, prefix, low, high, wanted)
    bounds = {"gte" if wanted.include_low else "gt": prefix + low}
    if high is not None:
        bounds["lte" if wanted.include_high else "lt"] = prefix + high
    elif prefix:
        bounds["lt"] = prefix[:-1] + "\1"  # behind all that begin so: the prefix ends with NUL
    return {"range": {column: bounds}}


def like(column: str, prefix: str, pattern: str) -> Query | Sought | None:
    """Return the query of the keywords that are `prefix` and then match the pattern; None if none can."""
    parts = wildcard_parts(pattern)
    literals = prefix + "".join(part for part in parts if part)
    singles = parts.count("")
    if len(literals) - len(prefix) + singles > KEYWORD_CHARACTERS_MAX:
        return None
    if len(literals.encode()) + CHARACTER_BYTES_MAX * singles <= DEPTH_BYTES_MAX:
        if len(parts) <= WILDCARD_PARTS_MAX:
            text = "".join("*" if part is None else part.translate(_WILDCARD_SPECIAL) or "?" for part in parts)
            return {"wildcard": {column: {"value": prefix.translate(_WILDCARD_SPECIAL) + text}}}
        # The engine gives a wildcard little effort, and a regular expression as much as it asks for.
        regexp = prefix.translate(_REGEXP_SPECIAL) + "".join(_pieces(parts))
        if len(regexp) <= REGEXP_CHARACTERS_MAX:
            return {
                "regexp": {column: {"value": regexp, "flags": "NONE", "max_determinized_states": REGEXP_EFFORT_MAX}}
            }
    return Pattern(column, prefix, pattern)


def _pieces(parts: Sequence[str | None]) -> Iterator[str]:
    """Yield a pattern's regular expression; a run of stars and single characters as a count and then the rest.

    `*?` and `?*` mean the same, but the engine's automaton of the former is exponential.
    """
    for wild, run in groupby(parts, key=lambda part: not part):
        if not wild:
            yield from (part.translate(_REGEXP_SPECIAL) for part in run if part)
            continue
        group = list(run)
        if count := group.count(""):
            yield f".{{{count}}}"
        if None in group:
            yield ".*"
