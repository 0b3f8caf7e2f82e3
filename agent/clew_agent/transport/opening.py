"""Which transport a `server` means."""

from __future__ import annotations

from clew_agent.config import AgentSettings

from .http import HttpTransport
from .protocol import Transport

__all__ = ["open_transport"]


def open_transport(settings: AgentSettings) -> Transport:
    """Return the transport to the agent's server; the settings know only schemes that there is one for."""
    return HttpTransport(
        settings.server, timeout_s=settings.send_timeout_s, compression_level=settings.compression_level
    )
