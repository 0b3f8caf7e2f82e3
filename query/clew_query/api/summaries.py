"""A page of transactions: what their summaries say, and how many events and errors each has now."""

from __future__ import annotations

from typing import Any

from clew_collector.event import Severity, severity_class
from clew_collector.store.expression import And, Expression, Or, Range, Term
from clew_collector.store.protocol import Cursor, Store, TransactionPage, TransactionRequest
from clew_collector.store.summary import Summary
from clew_query.times import format_time

from .cursors import write_cursor

__all__ = ["transactions_json"]

COUNTED_AT_ONCE = 500
_ERRORS = Range("severity_number", low=int(Severity.ERROR))


async def transactions_json(store: Store, request: TransactionRequest, query: str) -> dict[str, Any]:
    """Return a page of the API."""
    page = await store.transactions(request)
    ids = [summary.transaction_id for summary in page.summaries]
    events, errors = await _counts(store, ids), await _counts(store, ids, _ERRORS)
    return {
        "transactions": [_transaction(summary, events, errors) for summary in page.summaries],
        "total": page.total,
        "returned": len(page.summaries),
        "truncated": page.cursor is not None,
        "cursor": _cursor(page, request, query),
    }


def _cursor(page: TransactionPage, request: TransactionRequest, query: str) -> str | None:
    place = None if page.cursor is None else Cursor(*page.cursor)
    return write_cursor(place, query=query, order=request.order)


def _transaction(summary: Summary, events: dict[str, int], errors: dict[str, int]) -> dict[str, Any]:
    name = summary.transaction_id
    return {
        "transaction_id": name,
        "start": format_time(summary.start),
        "end": format_time(summary.end),
        "duration": summary.duration,
        "services": summary.services,
        "severity": severity_class(summary.severity_number),
        "severity_number": summary.severity_number,
        "root": {"service": summary.root.service, "name": summary.root.name},
        "events": events.get(name, 0),
        "errors": errors.get(name, 0),
    }


async def _counts(store: Store, ids: list[str], which: Expression | None = None) -> dict[str, int]:
    """Return how many events each has: counts are no lattice value, so they are not kept but counted."""
    counts: dict[str, int] = {}
    for first in range(0, len(ids), COUNTED_AT_ONCE):
        some = ids[first : first + COUNTED_AT_ONCE]
        expression: Expression = Or(tuple(Term("transaction_id", name) for name in some))
        if which is not None:
            expression = And((expression, which))
        for value in await store.facet(expression, "transaction_id", limit=len(some)):
            counts[value.value] = value.count
    return counts
