"""Keeping the account: what tailing tells and the receiver acknowledges goes into the ledger, and to disk in time."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from clew_agent import __version__
from clew_agent.behind import Behind
from clew_agent.checkpoint import Checkpoint, CheckpointFile
from clew_agent.clock import ClockFilter
from clew_agent.config import AgentSettings
from clew_agent.delivery import Refusal
from clew_agent.ledger import Ledger
from clew_agent.metrics import Metrics
from clew_agent.reason import Reason
from clew_agent.tail import Block, Ended, FileAccount, Lost, Opened, Read, Resumed, Seen, TailEvent
from clew_agent.wire import Heartbeat

__all__ = ["Books"]

_log = structlog.get_logger()


class Books:
    """The ledger and its checkpoint. Belongs to the event loop; only `save` goes to a thread."""

    def __init__(
        self,
        settings: AgentSettings,
        metrics: Metrics,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._now_ns = now_ns
        self._file = CheckpointFile(settings.data)
        loaded = self._file.load()
        for warning in loaded.warnings:
            _log.warning(warning)
        checkpoint = loaded.checkpoint or Checkpoint(agent_id=uuid.uuid4().hex)
        self.first_run = loaded.checkpoint is None and not loaded.warnings
        self.agent_id = settings.agent_id or checkpoint.agent_id
        self.generation_floor = checkpoint.generation_floor
        self.ledger = Ledger(checkpoint.files)
        self.given_up: Counter[tuple[str, str]] = Counter()
        """(path, reason) -> bytes given up in this run."""
        self.clock = ClockFilter()
        self.telling_cpu_s = 0.0
        """What the last report took."""
        self._behind = Behind()
        self._started_ns = now_ns()
        self._saving = asyncio.Lock()
        self._saved_version = -1
        self._ids_version = 0
        """The ledger's version that has all file ids."""

    def reconfigure(self, settings: AgentSettings) -> None:
        """Keep the account as these settings say."""
        self._settings = settings

    @property
    def ids_to_save(self) -> bool:
        """There are ids, of files or of the agent, that are not durable yet: no line under them may leave."""
        return self._saved_version < self._ids_version

    def record(self, event: TailEvent) -> None:
        """Enter what tailing tells."""
        ledger = self.ledger
        match event:
            case Opened(account):
                ledger.open(account)
                self._ids_version = ledger.version
            case Resumed(account):
                ledger.resume(account)
            case Seen(file_id, size):
                ledger.see(file_id, size)
            case Lost(file_id, start, end, why):
                self._give_up(file_id, start, end, why)
            case Ended(file_id):
                ledger.end(file_id, self._now_ns())
            case Read(source, block):
                ledger.ship(source.file_id, block.end)

    def settle(self, file_id: bytes, block: Block, *, lines: int, refused: Sequence[Refusal] = ()) -> None:
        """Enter the receiver's answer to a chunk of so many lines: it has them, save those that it will never take."""
        lines -= len(refused)
        self.ledger.acknowledge(file_id, start=block.start, end=block.end, tail=block.tail, lines=lines)
        given_up = 0
        if refused:
            line, why = refused[0]
            _log.error("Lines are given up.", path=line.source.path, lines=len(refused), first=line.start, error=why)
        for line, _ in refused:
            self._give_up(file_id, line.start, line.end, Reason.REFUSED)
            given_up += line.end - line.start
        self._metrics.count("clew_agent_acknowledged", block.end - block.start - given_up)

    def forget(self) -> tuple[FileAccount, ...]:
        """Drop and return the accounts of files that are gone for long, or too many."""
        before_ns = self._now_ns() - int(self._settings.forget_after_s * 1e9)
        return self.ledger.forget(before_ns=before_ns, gone_max=self._settings.gone_files_max)

    async def save(self) -> None:
        """Make the checkpoint durable, if it is not. CheckpointError if that fails."""
        async with self._saving:
            version = self.ledger.version
            if version == self._saved_version:
                return
            checkpoint = Checkpoint(
                agent_id=self.agent_id, generation_floor=self.generation_floor, files=self.ledger.accounts()
            )
            await asyncio.to_thread(self._file.save, checkpoint)
            self._saved_version = version

    def heartbeat(self, errors: dict[str, str]) -> Heartbeat:
        """Return the report of now."""
        now_ns = self._now_ns()
        began = time.thread_time()
        files = self._behind.tell(self.ledger.files(), now_ns)
        self.telling_cpu_s = time.thread_time() - began
        return Heartbeat(
            agent_id=self.agent_id,
            host=self._settings.host,
            version=__version__,
            sent_ns=now_ns,
            started_ns=self._started_ns,
            files=files,
            errors=errors,
            clock=self.clock.best(now_ns),
        )

    def _give_up(self, file_id: bytes, start: int, end: int, reason: Reason) -> None:
        path = self.ledger[file_id].path
        if reason is not Reason.REFUSED:
            _log.warning("Bytes are given up.", path=path, start=start, end=end, reason=str(reason))
        self.ledger.give_up(file_id, start=start, end=end, reason=reason)
        self.given_up[path, str(reason)] += end - start
        self._metrics.count("clew_agent_dropped", end - start, reason=str(reason))
