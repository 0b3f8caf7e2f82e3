"""Which transport a `server` means."""

from __future__ import annotations

from clew_agent.config import AgentSettings
from clew_agent.kafka import KafkaAddress
from clew_agent.metrics import Metrics

from .http import HttpTransport
from .protocol import Transport

__all__ = ["open_transport"]


def open_transport(settings: AgentSettings, metrics: Metrics | None = None) -> Transport:
    """Return the transport to the agent's server; the settings know only schemes that there is one for."""
    if settings.server.startswith("kafka://"):
        # Kafka's client takes 3 MiB and 50 ms to import: only for those who use it.
        from .kafka import KafkaTransport  # noqa: PLC0415

        return KafkaTransport(
            KafkaAddress.parse(settings.server),
            settings.kafka,
            client_id=f"clew-agent-{settings.agent_id or settings.host}",
            timeout_s=settings.send_timeout_s,
            compression_level=settings.compression_level,
            metrics=metrics,
        )
    return HttpTransport(
        settings.server, timeout_s=settings.send_timeout_s, compression_level=settings.compression_level
    )
