"""What of a question to the summaries SQLite can answer: the rest is asked of each row that is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from clew_collector.store.admission import INT64_MAX, INT64_MIN
from clew_collector.store.expression import KEYWORD_CHARACTERS_MAX, All, And, Expression, Range, Term
from clew_collector.store.matching import keyword, numeric_bounds

__all__ = ["conditions"]

_NUMBER_COLUMNS = {"severity_number": "severity", "duration": '("end" - start)', "end": '"end"', "time": "start"}
_NUMBER_OF_SERVICE = "(SELECT number FROM services WHERE name = ?)"
_LONG = KEYWORD_CHARACTERS_MAX
Condition = tuple[str, list[object]]


def conditions(expression: Expression, start: int | None, end: int | None) -> tuple[str, list[object], bool]:
    """Return ` WHERE ...` (or nothing), its values, and whether it says all that is asked.

    If it does not, every row that is wanted is among those it leaves.
    """
    found: list[Condition] = []
    if start is not None:
        found.append(("start >= ?", [_clamp(start)]))
    if end is not None:
        found.append(("start < ?", [_clamp(end)]))
    exact = True
    for part in _parts(expression):
        condition = _condition(part)
        if condition is None:
            exact = False
        elif condition[0]:
            found.append(condition)
    where = " AND ".join(text for text, _ in found)
    return (f" WHERE {where}" if where else ""), [value for _, values in found for value in values], exact


def _parts(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, And):
        for part in expression.parts:
            yield from _parts(part)
    elif not isinstance(expression, All):
        yield expression


def _condition(expression: Expression) -> Condition | None:
    """Return the condition that says exactly this, None if there is none."""
    match expression:
        # A name over the limit is known by its beginning, which is asked of each row.
        case Term("service", value) if value and len(value) < _LONG:
            return f"instr(services, ' ' || {_NUMBER_OF_SERVICE} || ' ')", [value]
        case Term("root", value) if value and len(value) < _LONG:
            return f"root = {_NUMBER_OF_SERVICE}", [value]
        case Term("transaction_id", value) if value:
            return "id = ?", [keyword(value)]
        case Range(field) if field in _NUMBER_COLUMNS:
            return _between(expression, _NUMBER_COLUMNS[field])
    return None


def _between(wanted: Range, column: str) -> Condition | None:
    bounds = numeric_bounds(wanted)
    if bounds is None:
        return None
    low, high = bounds
    texts: list[str] = []
    values: list[object] = []
    for bound, sign, whole, infinite in (
        (low, ">", wanted.include_low, low < 0),
        (high, "<", wanted.include_high, high > 0),
    ):
        if isinf(bound) and infinite:
            continue
        # Bounds beyond 64 bits are left to the rows themselves.
        if not INT64_MIN < bound < INT64_MAX:
            return None
        texts.append(f"{column} {sign}{'=' if whole else ''} ?")
        values.append(bound)
    return " AND ".join(texts), values


def _clamp(time: int) -> int:
    return max(INT64_MIN, min(INT64_MAX, time))
