"""What has been read out of a line so far; readers fill it, the normaliser makes the event of it."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Reading"]


class Reading(msgspec.Struct, gc=False):
    """A line's own fields, under the names of `Event`. Fresh for each line and never shared."""

    body: str
    timestamp: int | None = None
    zoned: bool = False
    """The timestamp is a point in time by itself: it came with a zone or as an epoch."""
    time_of_day: str = ""
    """A clock without a date, as written."""
    severity_number: int = 0
    severity_text: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    dropped: int = 0
    """Attributes over a limit."""
