"""Why bytes of a file will never be with the receiver."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """Why bytes will never be shipped."""

    REFUSED = "refused"
    """The receiver will not take them."""
    TRUNCATED = "truncated"
    """The file was truncated or rewritten before they were read."""
    DELETED = "deleted"
    """The file went away before they were read."""
    HELD = "held"
    """The file was rotated or deleted, and kept open for them as long as the settings allow."""
