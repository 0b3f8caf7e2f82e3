"""Which transactions alone an expression can find, so that only the days that hold their lines need be asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from clew_collector.store.expression import And, Expression, Or, Term
from clew_collector.store.matching import keyword

__all__ = ["DAYS_MAX", "EVERYWHERE", "TRANSACTIONS_MAX", "transactions_sought", "union_of_days"]

TRANSACTIONS_MAX = 256
"""An expression over more of them is asked of all days."""
DAYS_MAX = 64
"""A transaction whose lines are in more indices is asked for everywhere."""
EVERYWHERE = "*"


def transactions_sought(expression: Expression) -> frozenset[str] | None:
    """Return the only transactions whose lines can match, None if it is not known or they are many."""
    match expression:
        case Term("transaction_id", value) if value:
            return frozenset({keyword(value)})
        case And(parts):
            known = [found for part in parts if (found := transactions_sought(part)) is not None]
            return min(known, key=len) if known else None
        case Or(parts) if parts:
            each = list(map(transactions_sought, parts))
            united = frozenset[str]().union(*(one for one in each if one is not None))
            return None if None in each or len(united) > TRANSACTIONS_MAX else united
    return None


def union_of_days(*days: Iterable[str]) -> tuple[str, ...]:
    """Return the names of both, in order; `EVERYWHERE` when they are too many, which swallows all others.

    Associative, commutative and idempotent, as what a summary says must be.
    """
    united = frozenset[str]().union(*days)
    return (EVERYWHERE,) if EVERYWHERE in united or len(united) > DAYS_MAX else tuple(sorted(united))
