"""How values become terms of an index, and patterns over terms become its regular expressions. Pure."""

from __future__ import annotations

from functools import lru_cache

from clew_collector.store.expression import TOKEN_CHARACTERS_MAX, tokens
from clew_collector.store.matching import keyword, wildcard_parts
from clew_collector.store.number_code import number_code

__all__ = [
    "ANY_MANY",
    "between_pattern",
    "escape",
    "indexable",
    "number_prefix",
    "number_term",
    "term",
    "term_prefix",
    "wildcard_pattern",
]

_HEX = "0123456789abcdef"
_SPECIAL = str.maketrans({character: f"\\{character}" for character in r"\.+*?()|[]{}^$#&-~"})
ANY = "(?s:.)"
ANY_MANY = "(?s:.*)"


def indexable(text: str) -> str:
    """Return a text that the engine's analyzer splits into `tokens(text)`.

    It splits at what is no letter or digit and makes lower case. The two agree on ASCII, which is nearly everything.
    They do not on marks, on letters whose lower case has two characters, and on tokens over the limit: those texts
    are handed over as the tokens themselves.
    """
    if text.isascii() and (len(text) <= TOKEN_CHARACTERS_MAX or max(map(len, text.split())) <= TOKEN_CHARACTERS_MAX):
        return text
    return " ".join(tokens(text))


@lru_cache(maxsize=4096)
def term_prefix(field: str) -> str:
    """Return what the terms of a field begin with: its name, cut like a keyword, and a NUL that no name has."""
    return keyword(field).replace("\1", "\1\1").replace("\0", "\1\2") + "\0"


def term(field: str, value: str) -> str:
    """Return the term of a field's keyword."""
    return term_prefix(field) + keyword(value)


@lru_cache(maxsize=65536)
def number_term(key: str, number: float) -> str:
    """Return the term of an attribute's finite number."""
    return f"{number_prefix(key)}{number_code(number):016x}"


def number_prefix(key: str) -> str:
    """Return what the terms of an attribute's numbers begin with."""
    return term_prefix("number." + key)


def escape(text: str) -> str:
    """Return the pattern of exactly this text."""
    return text.translate(_SPECIAL)


def wildcard_pattern(pattern: str) -> str:
    """Return the engine's pattern for a Wildcard's."""
    return "".join(ANY_MANY if part is None else escape(part) or ANY for part in wildcard_parts(pattern))


def between_pattern(low: str, high: str) -> str:
    """Return the pattern of all texts of as many hex digits as both bounds that lie between them, both included.

    Its size is linear in the number of digits, as each one appears once on the low and once on the high edge.
    """
    if low > high:
        raise ValueError(f"{low} lies above {high}")
    if not low:
        return ""
    first, last = low[0], high[0]
    if first == last:
        return first + between_pattern(low[1:], high[1:])
    rest = len(low) - 1
    parts = [first + _above(low[1:]), last + _below(high[1:])]
    if between := _HEX[_HEX.index(first) + 1 : _HEX.index(last)]:
        parts.append(f"[{between}]" + _digits(rest))
    return f"({'|'.join(parts)})"


def _above(low: str) -> str:
    if not low:
        return ""
    if higher := _HEX[_HEX.index(low[0]) + 1 :]:
        return f"({low[0]}{_above(low[1:])}|[{higher}]{_digits(len(low) - 1)})"
    return low[0] + _above(low[1:])


def _below(high: str) -> str:
    if not high:
        return ""
    if lower := _HEX[: _HEX.index(high[0])]:
        return f"({high[0]}{_below(high[1:])}|[{lower}]{_digits(len(high) - 1)})"
    return high[0] + _below(high[1:])


def _digits(count: int) -> str:
    # The terms have no other length, so that the rest of a term need not be counted.
    return ANY_MANY if count else ""
