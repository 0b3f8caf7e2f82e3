"""What requests ask: query, range of time, limits, as the routes take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query

from clew_collector.store.expression import Expression
from clew_collector.store.protocol import LIMIT_MAX
from clew_query.errors import BadRequest
from clew_query.lucene import compile_query, compile_transactions_query
from clew_query.times import instant_of

__all__ = ["Asked", "AskedRange", "AskedTransactions", "Limit", "Order", "QueryText", "asked_range", "find_instant"]

QueryText = Annotated[str, Query(description="Lucene syntax, e.g. `service:orders severity>=error`; empty: everything")]
TransactionsQueryText = Annotated[
    str, Query(description="Like `query` of events, over `service root name severity error duration time end id`")
]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many at most; the answer says the total")]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first")]
From = Annotated[str | None, Query(alias="from", description="From this time on: RFC 3339, or relative (`now-15m`)")]
To = Annotated[str | None, Query(alias="to", description="Before this time: RFC 3339, or relative (`now`)")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: an expression, and `start` <= time < `end`, ns UTC, None is open."""

    query: str
    expression: Expression
    start: int | None
    end: int | None


def find_instant(name: str, text: str | None) -> int | None:
    """Return the instant that a parameter names, None where it is not given; BadRequest if it names none."""
    if not text:
        return None
    try:
        return instant_of(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}", hint="a `+` in a URL is written %2B") from error


def asked_range(start: From = None, end: To = None) -> tuple[int | None, int | None]:
    """Return the parameters `from` and `to`, ns UTC; BadRequest if they do not hold."""
    first, last = find_instant("from", start), find_instant("to", end)
    if first is not None and last is not None and first > last:
        raise BadRequest("from: lies behind `to`")
    return first, last


def _asked(bounds: Annotated[tuple[int | None, int | None], Depends(asked_range)], query: QueryText = "") -> Asked:
    return Asked(query, compile_query(query), *bounds)


def _asked_transactions(
    bounds: Annotated[tuple[int | None, int | None], Depends(asked_range)], query: TransactionsQueryText = ""
) -> Asked:
    return Asked(query, compile_transactions_query(query), *bounds)


AskedRange = Annotated[Asked, Depends(_asked)]
"""A route's parameters `query`, `from` and `to`."""
AskedTransactions = Annotated[Asked, Depends(_asked_transactions)]
"""The same of a route about transactions, whose begin lies in the range."""
