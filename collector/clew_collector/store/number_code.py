"""Numbers as codes that sort as text like the numbers. Pure."""

from __future__ import annotations

import struct

__all__ = ["number_code"]


def number_code(number: float) -> int:
    """Return 64 bits that order like the number (IEEE 754: the sign bit flipped, or all bits of a negative one)."""
    bits = int.from_bytes(struct.pack(">d", number))
    return bits ^ 0xFFFFFFFFFFFFFFFF if bits >> 63 else bits | 1 << 63
