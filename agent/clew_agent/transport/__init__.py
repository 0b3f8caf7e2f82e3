"""The agent's transports: one seam, a real and a memory version."""

from .http import HttpTransport
from .memory import MemoryTransport
from .opening import open_transport
from .protocol import Transport
from .retry import RetryDecision, RetryPolicy
from .switched import SwitchedTransport

__all__ = [
    "HttpTransport",
    "MemoryTransport",
    "RetryDecision",
    "RetryPolicy",
    "SwitchedTransport",
    "Transport",
    "open_transport",
]
