"""From a raw line to an event."""

from .normaliser import Normaliser

__all__ = ["Normaliser"]
