"""Global transaction ids: 32 lower-case hex digits, the same on every host for the same request.

A W3C trace id is used as it is. Ids in other notations are brought to that form without losing a bit; ids that
are free text are mapped by UUIDv5 (RFC 9562 section 5.5), which every host computes alike.
"""

from __future__ import annotations

import re
from enum import IntEnum
from uuid import UUID, uuid5

__all__ = ["ALIAS_NAMESPACE", "NO_TRANSACTION", "Origin", "canonical_transaction_id", "map_alias"]

NO_TRANSACTION = "0" * 32
# A fixed random namespace: with another one the same request id would become another transaction.
ALIAS_NAMESPACE = UUID("5c1e7c0f-9d0b-4d63-8a5e-3f1b6f0c2a77")

_HEX_16_OR_32 = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_XRAY = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_DECIMAL = re.compile(r"[0-9]{17,39}")


class Origin(IntEnum):
    """Where a line's transaction id came from: the rung of the stamping ladder."""

    GENERATED = 0  # made from the event id; zero, so that a chunk of such lines needs no column
    LINE = 1  # a trace id in the line
    ALIAS = 2  # another request id in the line, mapped
    INHERITED = 3  # the execution context's id, from an earlier line of the file

    @property
    def label(self) -> str:
        """The name used in JSON and in queries."""
        return self.name.lower()


def canonical_transaction_id(text: str) -> str | None:
    """Return the 32-hex form of an id in a known notation, or None if the text is free text.

    Known: 32 hex digits (W3C), 16 hex digits (64-bit B3, left-padded), UUID, AWS X-Ray root, and 17 to 39 decimal
    digits (Datadog, u64 and u128). All zeros is invalid (W3C Trace Context, section 3.2.2.3) and gives None.
    """
    value = text.strip().lower()
    if _HEX_16_OR_32.fullmatch(value):
        # Sixteen decimal digits are taken as hex, the far more usual notation at that length.
        canonical = value.rjust(32, "0")
    elif _UUID.fullmatch(value):
        canonical = value.replace("-", "")
    elif match := _XRAY.fullmatch(value):
        canonical = match[1] + match[2]
    elif _DECIMAL.fullmatch(value) and int(value) < 1 << 128:
        canonical = f"{int(value):032x}"
    else:
        return None
    return None if canonical == NO_TRANSACTION else canonical


def map_alias(alias: str) -> str:
    """Return the transaction id of any request id: its canonical form if it has one, else its UUIDv5."""
    return canonical_transaction_id(alias) or uuid5(ALIAS_NAMESPACE, alias).hex
