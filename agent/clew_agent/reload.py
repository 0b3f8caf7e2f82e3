"""Reading the configuration again while the agent runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from clew_agent.config import AgentSettings
from clew_agent.errors import SettingsError
from clew_agent.settings import read_settings
from clew_agent.transport import SwitchedTransport, Transport

__all__ = ["FIXED", "Reload"]

_log = structlog.get_logger()

FIXED = ("data", "agent_id", "host", "watch", "metrics_listen", "log_level")
"""Settings that only a new process takes."""


class Reload:
    """Waits until it is `wanted`, and puts what the file says then into `changes`.

    A file that does not hold is told, and changes nothing.
    """

    def __init__(
        self,
        settings: AgentSettings,
        path: Path,
        transport: SwitchedTransport,
        open_transport: Callable[[AgentSettings], Transport],
    ) -> None:
        self._settings = settings
        self._path = path
        self._transport = transport
        self._open_transport = open_transport
        self.wanted = asyncio.Event()
        self.changes: asyncio.Queue[AgentSettings] = asyncio.Queue(1)

    async def run(self) -> None:
        """Do that until cancelled."""
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            try:
                settings = await asyncio.to_thread(read_settings, self._path, AgentSettings)
            except SettingsError as error:
                _log.error("The configuration does not hold; the old one stays.", error=str(error), hint=error.hint)
                continue
            await self._change(settings)

    async def _change(self, settings: AgentSettings) -> None:
        fixed = {key: getattr(self._settings, key) for key in FIXED}
        for key, value in fixed.items():
            if getattr(settings, key) != value:
                _log.warning("A setting changed that only a new start takes.", setting=key)
        settings = settings.model_copy(update=fixed)
        unlike = {key for key in AgentSettings.model_fields if getattr(settings, key) != getattr(self._settings, key)}
        if unlike - set(_NOT_OF_TRANSPORTS):
            await self._transport.switch(self._open_transport(settings))
        self._settings = settings
        await self.changes.put(settings)


_NOT_OF_TRANSPORTS = ("sources", "stamp", "start", "scan_interval_s", "linger_s")
"""Settings that no transport looks at."""
