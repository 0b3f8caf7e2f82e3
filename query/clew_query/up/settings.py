"""The configuration of `clew up`: the agent's sources, and what else the three programs may be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationInfo, field_validator

from clew_agent.config import AgentSettings, SourceSettings
from clew_agent.settings import Settings, parse_settings
from clew_collector.settings import CollectorSettings

__all__ = ["UpSettings"]

LISTEN_DEFAULT = "127.0.0.1:8900"
HEARTBEAT_INTERVAL_S = 1.0
"""An agent beside its collector reports often: alerts wait for its reports, and they cost next to nothing here."""


class UpSettings(Settings):
    """One file for the whole of Clew on one machine."""

    sources: tuple[SourceSettings, ...] = ()
    """Which files to tail, and who wrote them; as for the agent, but relative paths start from this file's folder."""
    data: Path = Path("clew-data")
    """The data directory."""
    listen: str = LISTEN_DEFAULT
    """HOST:PORT of the API, the page and ingest; port 0 takes a free one."""
    alerts: Path | None = None
    """A file of alert rules; a relative path starts from this file's folder."""
    agent: dict[str, Any] = Field(default_factory=dict)
    """More of the agent's settings (limits, intervals, stamping)."""
    collector: dict[str, Any] = Field(default_factory=dict)
    """More of the collector's settings (limits, intervals)."""
    agent_restart_wait_s: float = Field(default=1.0, gt=0, le=60)
    """How long to wait before an agent that died is started again."""
    path_learning_first_s: float = Field(default=60.0, gt=0, le=86_400)
    """How long after the start the first model of paths is learned from what is stored."""
    path_learning_interval_s: float = Field(default=3_600.0, ge=0, le=7 * 86_400)
    """How often it is learned anew, by a process of the lowest priority; 0 never."""
    shutdown_s: float = Field(default=10.0, gt=0, le=300)
    """How long the agent may take to flush when all is stopped."""

    @field_validator("agent")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key in ("sources", "server", "data"):
            if key in value:
                raise ValueError(f"`{key}` is set by `clew up` itself")
        return value

    @field_validator("alerts")
    @classmethod
    def _from_here(cls, alerts: Path | None, info: ValidationInfo) -> Path | None:
        base = (info.context or {}).get("base")
        return base / alerts if base and alerts else alerts

    @property
    def agent_directory(self) -> Path:
        """Where the agent keeps its checkpoint."""
        return self.data.absolute() / "agent"

    def collector_settings(self) -> CollectorSettings:
        """Return the collector's settings; SettingsError naming what is wrong under `collector`."""
        given = {**self.collector, "data": str(self.data), "listen": self.listen}
        return parse_settings(yaml.safe_dump(given), CollectorSettings, name="the section `collector`")

    def agent_settings(self, server: str) -> AgentSettings:
        """Return the settings of an agent that ships to `server`; SettingsError naming what is wrong under `agent`."""
        return parse_settings(self.agent_yaml(server), AgentSettings, name="the section `agent`")

    def agent_yaml(self, server: str) -> str:
        """Return the configuration file of an agent that ships to `server`, the URL of the collector."""
        sources = [source.model_dump(mode="json", exclude_unset=True, by_alias=True) for source in self.sources]
        ours = {"sources": sources, "server": server, "data": str(self.agent_directory)}
        return yaml.safe_dump({"heartbeat_interval_s": HEARTBEAT_INTERVAL_S, **self.agent, **ours}, sort_keys=False)
