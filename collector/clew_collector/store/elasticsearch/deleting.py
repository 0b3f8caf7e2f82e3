"""Deleting documents by their ids, and seeing what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from clew_collector.errors import StoreError

from .connection import Connection

__all__ = ["delete_documents"]

_OK, _GONE, _CHANGED = 200, 404, 409


class _Deleted(msgspec.Struct):
    status: int
    error: dict[str, Any] = {}


class _Item(msgspec.Struct):
    delete: _Deleted


class _Answer(msgspec.Struct):
    items: list[_Item]


_decode = msgspec.json.Decoder(_Answer).decode


async def delete_documents(connection: Connection, targets: Iterable[dict[str, Any]], *, what: str) -> int:
    """Delete the documents that these actions of a bulk request name; return how many that were.

    One that is gone, or that somebody changed meanwhile (`if_seq_no`), counts for none. StoreError if anything else
    keeps one (a block, a right): who searches until nothing is found would never come to an end.
    """
    reply = await connection.bulk(b"".join(msgspec.json.encode({"delete": target}) + b"\n" for target in targets))
    if reply is None or reply.status != _OK:
        raise StoreError(f"Elasticsearch did not remove {what}: {reply.status if reply else 'no answer'}")
    results = [item.delete for item in _decode(reply.body).items]
    kept = next((one for one in results if one.status not in {_OK, _GONE, _CHANGED}), None)
    if kept is not None:
        raise StoreError(
            f"Elasticsearch did not remove {what}: {kept.status}: {kept.error.get('reason', 'no reason given')}",
            hint="`clew doctor` says what is wrong with the cluster",
        )
    return sum(one.status == _OK for one in results)
