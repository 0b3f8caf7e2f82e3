"""`clew collector run` as a process, for scenarios."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TextIO

import httpx

from clew_agent.wire import CHUNKS_PATH, CONTENT_TYPE, Chunk, encode_chunk, encode_frames
from clew_collector.service import Readers
from clew_collector.store.protocol import SearchRequest

CLEW = [sys.executable, "-m", "clew_agent"]

__all__ = ["CLEW", "CollectorProgram", "body_of", "clew", "post", "stored_places", "wait_until_stored"]


def clew(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLEW, *arguments], capture_output=True, timeout=100, check=False, text=True)


class CollectorProgram:
    """Runs from `start` until `stop` or `kill`; a context manager, which stops it."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self.config = data.with_name(data.name + ".yaml")
        self.config.write_text(json.dumps({"data": str(data), "listen": "127.0.0.1:0", **settings}))
        self.url = ""
        self.said = ""
        """What it said on stderr, once it has ended."""
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        process = subprocess.Popen(
            [*CLEW, "collector", "run", "--config", self.config], stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"clew collector: (http://\S+), ", line):
                self.url = found[1]
                break
        else:
            process.wait()
            process.stderr.close()
            raise AssertionError(f"it ended by itself: {''.join(said)}")
        self._process = process
        # What it says further must not fill the pipe.
        self._reader = Thread(target=self._read, args=(process.stderr, "".join(said)))
        self._reader.start()

    def _read(self, stderr: TextIO, before: str) -> None:
        self.said = before + stderr.read()

    def ready(self) -> str:
        """Return what it says of what it waits for."""
        return httpx.get(self.url + "/readyz", timeout=30).text

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        os.kill(process.pid, number)
        code = process.wait(60)
        assert self._reader is not None
        assert process.stderr is not None
        self._reader.join()
        process.stderr.close()
        return code

    def __enter__(self) -> CollectorProgram:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def body_of(*chunks: Chunk) -> bytes:
    return encode_frames([encode_chunk(chunk) for chunk in chunks])


def post(program: CollectorProgram, body: bytes) -> httpx.Response:
    return httpx.post(program.url + CHUNKS_PATH, content=body, headers={"Content-Type": CONTENT_TYPE}, timeout=30)


def stored_places(data: Path) -> list[tuple[str, int]]:
    """Every event of a data directory as (file, offset), as often as it is there; asserts that the audit is clean."""

    async def look() -> list[tuple[str, int]]:
        readers = await Readers.open(data)
        try:
            assert (await readers.audit()).clean
            places: list[tuple[str, int]] = []
            request = SearchRequest(order="asc", limit=10_000)
            while True:
                page = await readers.store.search(request)
                places += [(event.file_id, event.offset) for event in page.events]
                if page.cursor is None:
                    return sorted(places)
                request = SearchRequest(order="asc", limit=10_000, after=page.cursor)
        finally:
            await readers.close()

    return asyncio.run(look())


def wait_until_stored(program: CollectorProgram) -> None:
    """Look, from outside, until the store has what the log has."""

    async def behind() -> int:
        readers = await Readers.open(program.data)
        try:
            return await readers.log.end() - await readers.store.position()
        finally:
            await readers.close()

    for _ in range(600):
        if asyncio.run(behind()) == 0:
            return
        time.sleep(0.05)
    raise AssertionError("the store did not get to the end of the log")
