"""Transactions: the path of one, found by any of its ids; and all of them, summed up."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from clew_collector.store.protocol import LIMIT_MAX, Store, TransactionCursor, TransactionRequest
from clew_query.backend import Backend
from clew_query.errors import NotFound
from clew_query.path import collect_transaction, find_gaps, measured_clocks, transaction_json

from .answer import ERRORS, answer, answer_events
from .cursors import read_cursor
from .parameters import AskedTransactions, Limit, Order
from .summaries import transactions_json

__all__ = ["transactions_router"]

AnyId = Annotated[
    str, Path(description="A transaction id in any notation, another id as it is written in the lines, or a span id")
]

LINES_MAX = 100_000
LinesLimit = Annotated[int, Query(ge=1, le=LINES_MAX, description="How many of its lines at most, the first ones")]


def transactions_router(backend: Backend) -> APIRouter:
    """Return the routes under /transactions."""
    router = APIRouter(prefix="/transactions", tags=["transactions"], responses=ERRORS)
    store = backend.store

    @router.get("", summary="Transactions by service, severity, duration, root and time, page by page")
    async def transactions(
        *,
        asked: AskedTransactions,
        limit: Limit = 100,
        order: Order = "desc",
        cursor: Annotated[str | None, Query(description="The last page's cursor: go on behind it")] = None,
        ids: Annotated[
            bool, Query(description="Only the ids of all, in order of id; `after` takes the cursor")
        ] = False,
        after: Annotated[str, Query(description="With `ids`: ids above it")] = "",
    ) -> Response:
        if ids:
            return answer(await _ids(store, after, limit))
        place = read_cursor(cursor, query=asked.query, order=order)
        request = TransactionRequest(
            asked.expression,
            asked.start,
            asked.end,
            order=order,
            limit=limit,
            after=TransactionCursor(*place) if place else None,
        )
        return answer(await transactions_json(store, request, asked.query))

    # An id as written may hold slashes.
    @router.get("/{transaction_id:path}", summary="A transaction: its lines, and the path that they show")
    async def transaction(transaction_id: AnyId, limit: LinesLimit = LIMIT_MAX) -> Response:
        collected = await collect_transaction(store, transaction_id, limit=limit)
        if collected is None:
            raise NotFound(
                f"nothing is known by the id {transaction_id}",
                hint="if its lines are recent they may not be searchable yet: `clew audit` compares",
            )
        around = await find_gaps(store, backend.agents(), collected.events, time.time_ns())
        at = max((event.end for event in collected.events), default=0)
        # Measured ones and learned ones have no common zero: never mixed.
        clocks = measured_clocks(backend.agents(), at) or backend.paths.clocks()
        return await answer_events(
            lambda: transaction_json(collected, around=around, inference=backend.paths, clocks=clocks),
            events=collected.returned,
        )

    return router


async def _ids(store: Store, after: str, limit: int) -> dict[str, Any]:
    ids = await store.transaction_ids(after, limit)
    return {
        "transactions": [{"transaction_id": name} for name in ids],
        "cursor": ids[-1] if len(ids) == limit else None,
    }
