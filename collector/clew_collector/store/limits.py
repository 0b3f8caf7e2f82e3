"""What one question to a store may ask for."""

from __future__ import annotations

from clew_collector.errors import StoreError

from .expression import KEYWORD_FIELDS
from .matching import ATTRIBUTE_PREFIX
from .protocol import LIMIT_MAX

__all__ = ["FACET_FIELDS", "HISTOGRAM_BUCKETS_MAX", "check_facet", "check_histogram", "check_limit"]

HISTOGRAM_BUCKETS_MAX = 10_000
# Counting values that are different in every event, or that stand in several fields, answers nothing.
FACET_FIELDS = KEYWORD_FIELDS - {"event_id", "ids", "links"}


def check_limit(limit: int) -> None:
    """Raise StoreError if so many answers cannot be asked for at once."""
    if not 0 <= limit <= LIMIT_MAX:
        raise StoreError(f"a limit lies between 0 and {LIMIT_MAX}, not {limit}", hint="page with the cursor")


def check_facet(field: str) -> None:
    """Raise StoreError if the field's values are not counted."""
    if field not in FACET_FIELDS and not field.startswith(ATTRIBUTE_PREFIX):
        raise StoreError(
            f"the values of {field} cannot be counted",
            hint=f"count {', '.join(sorted(FACET_FIELDS))} or attributes.KEY",
        )


def check_histogram(start: int, end: int, interval: int) -> None:
    """Raise StoreError if the range has no interval, or too many."""
    if interval <= 0 or end < start:
        raise StoreError(f"a histogram needs a range and an interval, not {start} to {end} by {interval} ns")
    if (end - start) // interval >= HISTOGRAM_BUCKETS_MAX:
        raise StoreError(
            f"a histogram has at most {HISTOGRAM_BUCKETS_MAX} intervals, this one has {-(-(end - start) // interval)}",
            hint="ask for a longer interval or a shorter range",
        )
