"""The agent as a child process that ends with its parent, even when the parent is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

import structlog

__all__ = ["AgentChild"]

log = structlog.get_logger()


class AgentChild:
    """Starts `clew agent run` and, unless `once`, starts it again whenever it dies.

    The child holds the read end of a pipe whose write end only this process has: when this process ends in whatever
    way, the pipe reaches its end and the agent stops.
    """

    def __init__(self, config: Path, *, once: bool, restart_wait_s: float, shutdown_s: float) -> None:
        self._config = config
        self._once = once
        self._restart_wait_s = restart_wait_s
        self._shutdown_s = shutdown_s
        self._process: Process | None = None

    async def run(self, stopping: Callable[[], bool]) -> int:
        """Run until `stopping()` holds or, if `once`, the agent is through; return its exit status."""
        read_end, write_end = os.pipe()
        try:
            while True:
                self._process = await self._start(read_end)
                status = await self._process.wait()
                if self._once or stopping():
                    return status
                log.warning("The agent ended and is started again.", status=status, wait_s=self._restart_wait_s)
                await asyncio.sleep(self._restart_wait_s)
        finally:
            os.close(read_end)
            os.close(write_end)

    async def stop(self) -> None:
        """Ask the agent to flush and end; kill it when it takes longer than it may."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._shutdown_s)
        except TimeoutError:
            log.warning("The agent did not end in time and is killed; its checkpoint holds.", after_s=self._shutdown_s)
            process.kill()
            await process.wait()

    async def _start(self, read_end: int) -> Process:
        command = [sys.executable, "-m", "clew_agent", "agent", "run", "--config", str(self._config)]
        command += ["--parent-fd", str(read_end)]
        if self._once:
            command.append("--once")
        # stdin is not shared: an agent that reads the terminal would steal the user's keys.
        return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, pass_fds=(read_end,))
