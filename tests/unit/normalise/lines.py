"""Chunks of given lines, and times as tests write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from clew_agent.wire import Chunk, Origin, Source, pack_u32

__all__ = ["OBSERVED_NS", "WRITTEN", "chunk_of", "ns"]

WRITTEN = datetime(2024, 6, 15, 12, tzinfo=UTC)
OBSERVED_NS = 1_700_000_000_000_000_000


def ns(text: str) -> int:
    """Return the ns of `YYYY-MM-DD HH:MM:SS[.fraction]`, UTC."""
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?", text)
    assert match
    second = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    days = second.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    seconds = days * 86_400 + second.hour * 3_600 + second.minute * 60 + second.second
    return seconds * 10**9 + int((match[2] or "").ljust(9, "0"))


def chunk_of(lines: list[bytes], *, written: datetime | None = WRITTEN, trace: str = "", end: bytes = b"\n") -> Chunk:
    """Return a chunk of lines, each given without its line end; `trace` is the transaction id of all of them."""
    payload = [line + end for line in lines]
    return Chunk(
        source=Source(
            file_id=bytes(10),
            path="/var/log/orders.log",
            host="h1",
            service="orders",
            instance="orders-1",
            modified_ns=int(written.timestamp()) * 10**9 if written else 0,
        ),
        observed_ns=OBSERVED_NS,
        start=0,
        lengths=pack_u32([len(line) for line in payload]),
        payload=b"".join(payload),
        ids=bytes.fromhex(trace) * len(lines),
        origins=bytes([Origin.LINE] * len(lines)) if trace else b"",
    )
