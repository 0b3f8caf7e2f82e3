"""What can go wrong with engines.

EngineError              an engine did not start, or did not get ready
└── EnginesUnavailable   they cannot be had on this machine: no Java, no Maven, no way to the artefacts
"""

from __future__ import annotations

__all__ = ["EngineError", "EnginesUnavailable"]


class EngineError(Exception):
    """An engine did not start, did not get ready in time, or did not stop."""


class EnginesUnavailable(EngineError):
    """The engines cannot be had on this machine; the message says what is missing."""
