"""From a raw line to an event."""
