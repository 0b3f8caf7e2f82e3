"""Cursors on the wire: opaque text for a place in the order of events, bound to the question that it belongs to.

A cursor names the last event of a page by its place, not by a count, so events that arrive meanwhile neither
repeat nor hide others. Relative times in the query move on between pages and do not unbind it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b

from clew_collector.store.protocol import Cursor
from clew_query.errors import BadRequest

__all__ = ["read_cursor", "write_cursor"]

EVENT_ID_DIGITS = 32
# Stores compare times as 64-bit integers.
TIME_MAX = (1 << 63) - 1


def write_cursor(cursor: Cursor | None, *, query: str, order: str) -> str | None:
    """Return the cursor's text, None for None."""
    if cursor is None:
        return None
    text = f"{cursor.time}:{cursor.event_id}:{_bond(query, order)}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str | None, *, query: str, order: str) -> Cursor | None:
    """Return the place that the text names, None for none; BadRequest if it is no cursor of this question."""
    if not text:
        return None
    try:
        time, event_id, bond = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").split(":")
        cursor = Cursor(int(time), event_id)
    except (ValueError, Base64Error) as error:
        raise BadRequest("cursor: this is no cursor", hint="take it from the last answer, unchanged") from error
    if len(event_id) != EVENT_ID_DIGITS or abs(cursor.time) > TIME_MAX:
        raise BadRequest("cursor: this is no cursor", hint="take it from the last answer, unchanged")
    if bond != _bond(query, order):
        raise BadRequest("cursor: it belongs to another query or order", hint="begin again without a cursor")
    return cursor


def _bond(query: str, order: str) -> str:
    return blake2b(f"{order}\0{query}".encode(errors="replace"), digest_size=8).hexdigest()
