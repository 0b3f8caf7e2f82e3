"""The first events of a query in the exact total order, from an engine that orders by one field at a time."""

from __future__ import annotations

import tantivy
from tantivy import DocAddress, Order, Query, Searcher

from .query import all_of, equal
from .schema import ORDER_FIELDS

__all__ = ["first_documents"]


def first_documents(searcher: Searcher, query: Query, limit: int, *, descending: bool) -> list[DocAddress]:
    """Return the documents of the first `limit` events, as a set: ordering those few is left to the caller."""
    return _first(searcher, query, limit, tantivy.Order.Desc if descending else tantivy.Order.Asc, ORDER_FIELDS)


def _first(searcher: Searcher, query: Query, limit: int, order: Order, fields: tuple[str, ...]) -> list[DocAddress]:
    """Take whole groups of equal values; where the limit cuts a group, order that group by the next field."""
    if limit == 0:
        return []
    field, *rest = fields
    hits = searcher.search(query, limit + 1, count=False, order_by_field=field, order=order).hits
    if not rest or len(hits) <= limit or hits[limit][0] != hits[limit - 1][0]:
        return [address for _value, address in hits[:limit]]
    cut = hits[limit][0]
    whole = [address for value, address in hits if value != cut]
    group = all_of(query, equal(field, cut))
    return whole + _first(searcher, group, limit - len(whole), order, tuple(rest))
