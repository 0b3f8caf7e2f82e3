"""Telling how far an agent is: its status in a file, its heartbeats, and in both what goes wrong."""

from __future__ import annotations

import asyncio
import os

import structlog

from clew_agent.books import Books
from clew_agent.config import AgentSettings
from clew_agent.delivery import Delivery
from clew_agent.errors import TransportError
from clew_agent.load import Load
from clew_agent.metrics import Metrics
from clew_agent.status import Status, write_status
from clew_agent.tail import Tailer
from clew_agent.transport import Transport

__all__ = ["Reporter"]

_log = structlog.get_logger()

# While nothing happens, the status is written this many times less often.
_STATUS_REST = 10


class Reporter:
    """Knows what is told of a running agent. `settings` is exchanged when they are read again."""

    def __init__(
        self,
        settings: AgentSettings,
        *,
        books: Books,
        tailer: Tailer,
        delivery: Delivery,
        transport: Transport,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.load = Load()
        self.in_flight_bytes = 0
        """What was read and is not answered for yet."""
        self._books = books
        self._tailer = tailer
        self._delivery = delivery
        self._transport = transport
        self._metrics = metrics
        self._troubles: dict[str, str] = {}
        self._told: tuple[object, ...] = ()
        self._untold = 0

    def trouble(self, what: str, message: str) -> bool:
        """Tell of it from now on; return whether it is news."""
        news = self._troubles.get(what) != message
        self._troubles[what] = message
        return news

    def well(self, what: str) -> None:
        """Tell of it no more."""
        self._troubles.pop(what, None)

    async def write_status(self, *, last: bool = False) -> None:
        """Write the status; seldom while it stays as it is, unless it is the `last` one."""
        self._metrics.level("clew_agent_open_files", self._tailer.open_files)
        self._metrics.level("clew_agent_in_flight", self.in_flight_bytes)
        errors = self._errors()
        ledger = self._books.ledger
        tell = (ledger.version, ledger.sightings, self.in_flight_bytes, errors, self.settings.server)
        if tell == self._told and self._untold < _STATUS_REST and not last:
            self._untold += 1
            return
        self._told, self._untold = tell, 0
        status = Status(
            pid=os.getpid(),
            server=self.settings.server,
            in_flight_bytes=self.in_flight_bytes,
            open_files=self._tailer.open_files,
            load=self.load.shares(),
            heartbeat=self._books.heartbeat(errors),
        )
        try:
            await asyncio.to_thread(write_status, self.settings.data, status)
        except OSError as error:
            self.trouble("status", f"the status cannot be written: {error.strerror}")
        else:
            self.well("status")

    async def beat(self) -> None:
        """Send a heartbeat; what goes wrong is told by the next one."""
        try:
            await self._transport.heartbeat(self._books.heartbeat(self._errors()))
            # Behind the heartbeat: what goes wrong with this must not keep that.
            self._books.clock.add(await self._transport.exchange_time())
        except TransportError as error:
            if self.trouble("heartbeat", error.message):
                _log.warning("The receiver did not take the heartbeat.", error=error.message, hint=error.hint)
        else:
            self.well("heartbeat")

    async def last_beat(self) -> None:
        """Send one more, for as long as stopping may take."""
        try:
            await asyncio.wait_for(self.beat(), min(self.settings.send_timeout_s, self.settings.shutdown_flush_s))
        except TimeoutError:
            _log.warning("The receiver did not take the last heartbeat in time.")

    def _errors(self) -> dict[str, str]:
        errors = dict.fromkeys(self._tailer.unmatched, "matches no file")
        errors |= self._tailer.problems
        errors |= self._troubles
        if self._delivery.trouble:
            errors["send"] = self._delivery.trouble
        return errors
