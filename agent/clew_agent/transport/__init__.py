"""The agent's transports: one seam, a real and a memory version."""

from .http import HttpTransport
from .memory import MemoryTransport
from .opening import open_transport
from .protocol import Transport
from .retry import RetryDecision, RetryPolicy

__all__ = ["HttpTransport", "MemoryTransport", "RetryDecision", "RetryPolicy", "Transport", "open_transport"]
