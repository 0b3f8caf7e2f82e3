"""Event ids as 128-bit numbers, and which numbers a condition on their text leaves. Pure."""

from __future__ import annotations

import re

from clew_collector.store.expression import Range
from clew_collector.store.matching import keyword_bounds

__all__ = ["PLACE_MAX", "first_place", "place_of", "places_between", "places_with_prefix", "split_place"]

PLACE_MAX = (1 << 128) - 1
_LOW_BITS = 64
_hex_digits = re.compile(r"[0-9a-f]{0,32}").fullmatch


def place_of(event_id: str) -> int | None:
    """Return the event id as a number, None if it is no event id."""
    return int(event_id, 16) if len(event_id) == 32 and _hex_digits(event_id) else None


def split_place(place: int) -> tuple[int, int]:
    """Return the number's upper and lower 64 bits."""
    return place >> _LOW_BITS, place & ((1 << _LOW_BITS) - 1)


def places_with_prefix(prefix: str) -> tuple[int, int] | None:
    """Return the first and last place whose event id begins so, None if no event id does."""
    if not _hex_digits(prefix):
        return None
    return int(prefix.ljust(32, "0"), 16), int(prefix.ljust(32, "f"), 16)


def places_between(wanted: Range) -> tuple[int, int] | None:
    """Return the first and last place whose event id, as text, lies in the range; None if there is none."""
    low, high = keyword_bounds(wanted)
    first = first_place(low, above=not wanted.include_low)
    last = PLACE_MAX if high is None else first_place(high, above=wanted.include_high) - 1
    return (first, last) if first <= last else None


def first_place(bound: str, *, above: bool = False) -> int:
    """Return the first place with an event id >= bound (or > bound), `PLACE_MAX + 1` if there is none.

    The order of ids as text is that of the numbers, so the bound, which may be any text, is found by bisection.
    """
    low, high = 0, PLACE_MAX + 1
    while low < high:
        middle = (low + high) // 2
        text = f"{middle:032x}"
        if text > bound if above else text >= bound:
            high = middle
        else:
            low = middle + 1
    return low
