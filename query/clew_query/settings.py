"""The query side's settings: what it reads and where it listens."""

from __future__ import annotations

from pathlib import Path

from clew_agent.settings import Settings
from clew_collector.settings import LogSettings
from clew_collector.store.opening import StoreSettings

__all__ = ["QuerySettings"]


class QuerySettings(Settings):
    """What `clew query run --config FILE` reads."""

    data: Path = Path("clew-data")
    """The data directory, which is only read; a collector may write it meanwhile."""
    store: StoreSettings = StoreSettings()
    """Where the collector keeps the events; the same as in its settings."""
    log: LogSettings = LogSettings()
    """The collectors' log, the same as in their settings: from Kafka come the agents and their accounts."""
    listen: str = "127.0.0.1:8901"
    """HOST:PORT of the API and the page; port 0 takes a free one."""
