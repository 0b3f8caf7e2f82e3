"""What one line may cost: the limits on what is read out of it. The line itself is always kept whole."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one event's attributes; what exceeds them stays in `original` and is counted on the event."""

    attributes_max: int = 128
    """Attributes per event."""
    attribute_depth_max: int = 8
    """Levels of nested objects that become dotted keys; what is below becomes JSON text."""
    attribute_key_characters_max: int = 256
    attribute_value_characters_max: int = 8_192
    attributes_characters_max: int = 65_536
    """All text values of one event together."""
    json_depth_max: int = 256
    """A line nested deeper than this is not read as JSON but kept as text."""
