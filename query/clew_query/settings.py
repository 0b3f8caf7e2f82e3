"""The query side's settings: what it reads and where it listens."""

from __future__ import annotations

from pathlib import Path

from clew_agent.settings import Settings

__all__ = ["QuerySettings"]


class QuerySettings(Settings):
    """What `clew query run --config FILE` reads."""

    data: Path = Path("clew-data")
    """The data directory, which is only read; a collector may write it meanwhile."""
    listen: str = "127.0.0.1:8901"
    """HOST:PORT of the API and the page; port 0 takes a free one."""
