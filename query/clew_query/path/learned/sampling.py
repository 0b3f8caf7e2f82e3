"""The transactions that a model is learned from: as many as fit, whole ones, whichever the ids' order gives.

Ids are random, so that any stretch of them is a fair sample of all times and services.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clew_collector.event import Event
from clew_collector.store.expression import Expression, Or, Term
from clew_collector.store.protocol import LIMIT_MAX, SearchRequest, Store

__all__ = ["sample_transactions"]

TRANSACTIONS_MAX = 5_000
LINES_MAX = 200_000
TRANSACTION_LINES_MAX = 2_000
"""Longer ones are left out: they would be learned from by their first part."""
IDS_PER_SEARCH = 50


async def sample_transactions(
    store: Store, *, transactions_max: int = TRANSACTIONS_MAX, lines_max: int = LINES_MAX
) -> list[list[Event]]:
    """Return transactions with all their lines, bounded in number and lines. Raises StoreError as the store does."""
    found: list[list[Event]] = []
    lines, after = 0, ""
    while len(found) < transactions_max and lines < lines_max:
        ids = await store.transaction_ids(after, min(IDS_PER_SEARCH, transactions_max - len(found)))
        if not ids:
            break
        after = ids[-1]
        of_id = await _lines(store, ids)
        for events in of_id.values():
            if len(events) <= TRANSACTION_LINES_MAX and lines < lines_max:
                found.append(events)
                lines += len(events)
    return found


async def _lines(store: Store, ids: Sequence[str]) -> dict[str, list[Event]]:
    terms = tuple(Term("transaction_id", name) for name in ids)
    expression: Expression = terms[0] if len(terms) == 1 else Or(terms)
    request = SearchRequest(expression, order="asc", limit=LIMIT_MAX)
    found: dict[str, list[Event]] = {name: [] for name in ids}
    while True:
        page = await store.search(request)
        for event in page.events:
            own = found[event.transaction_id]
            if len(own) <= TRANSACTION_LINES_MAX:
                own.append(event)
        if page.cursor is None:
            return found
        request = replace(request, after=page.cursor)
