"""From files to the receiver: three loops that share a tailer, a ledger and two slots.

`scan` notices what is new, `read` turns it into batches of chunks, `send` delivers one batch at a time. While a batch
is on its way the next is read, and no more: two slots of half `in_flight_bytes_max` are all the memory that lines take
(a line longer than that takes both).
Sending in one order keeps every file's acknowledgements without a gap.

Disk and CPU work of tailing runs in one thread of its own, so that tailing needs no locks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from opentelemetry.metrics import NoOpMeterProvider

from clew_agent.batch import Batch, Piece
from clew_agent.books import Books
from clew_agent.config import AgentSettings
from clew_agent.delivery import Delivery, Refusal
from clew_agent.errors import CheckpointError
from clew_agent.lock import DirectoryLock
from clew_agent.metrics import Metrics
from clew_agent.pace import ScanPace, report_pause_s
from clew_agent.refused import keep_refused
from clew_agent.reporter import Reporter
from clew_agent.stamp import Stamper, build_chunk
from clew_agent.tail import DirectoryWatch, KnownContents, Read, Tailer, Turn
from clew_agent.transport import RetryPolicy, Transport
from clew_agent.waiting import readable, until
from clew_agent.wire import FileLedger

__all__ = ["Outcome", "run_agent"]

_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    files: tuple[FileLedger, ...]
    problems: tuple[str, ...]
    """What keeps it from being complete: globs without files, files that cannot be read, lines given up."""


async def run_agent(
    settings: AgentSettings,
    transport: Transport,
    *,
    once: bool = False,
    stop: asyncio.Event | None = None,
    changes: asyncio.Queue[AgentSettings] | None = None,
    metrics: Metrics | None = None,
    ready: Callable[[], None] = lambda: None,
    now_ns: Callable[[], int] = time.time_ns,
) -> Outcome:
    """Tail and ship until `stop` is set, or with `once` until everything that is there was acknowledged.

    Settings that come through `changes` are used from then on, without losing a line; the transport is not exchanged.

    Calls `ready` when nothing can keep it from beginning.

    Holds the agent's directory meanwhile (DirectoryLocked). Does not close the transport. Raises CheckpointError when
    the checkpoint is of a newer version; all other trouble is waited out and reported.
    """
    metrics = metrics or Metrics(NoOpMeterProvider().get_meter("clew"))
    with DirectoryLock(settings.data):
        books = Books(settings, metrics, now_ns=now_ns)
        stop = stop or asyncio.Event()
        pipeline = _Pipeline(settings, transport, books, metrics, once=once, stop=stop, now_ns=now_ns)
        try:
            ready()
            await pipeline.run(changes or asyncio.Queue(1))
        finally:
            pipeline.close()
        return pipeline.outcome()


class _Pipeline:
    def __init__(
        self,
        settings: AgentSettings,
        transport: Transport,
        books: Books,
        metrics: Metrics,
        *,
        once: bool,
        stop: asyncio.Event,
        now_ns: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._books = books
        self._metrics = metrics
        self._once = once
        self._stop = stop
        self._now_ns = now_ns
        self._stamper = Stamper(settings.stamp)
        self._delivery = Delivery(transport, RetryPolicy(settings.retry_initial_s, settings.retry_max_s), metrics)
        self._tailer = Tailer(
            settings,
            KnownContents(books.ledger.accounts(), generation_floor=books.generation_floor),
            skip_present=books.first_run and settings.start == "end",
            at_end=once,
        )
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="clew-tail")
        self._work = asyncio.Event()
        self._slots = asyncio.Semaphore(2)
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue(3)  # two and the end
        self._done = asyncio.Event()
        self._pace = ScanPace()
        self._reporter = Reporter(
            settings,
            books=books,
            tailer=self._tailer,
            delivery=self._delivery,
            transport=transport,
            metrics=metrics,
        )
        self._unsent = False

    async def run(self, changes: asyncio.Queue[AgentSettings]) -> None:
        await self._save_ids()
        await self._scan()

        def report_s(interval_s: float) -> float:
            return report_pause_s(self._books.telling_cpu_s, interval_s)

        async with asyncio.TaskGroup() as tasks:
            keeping = [
                tasks.create_task(self._every(lambda: self._settings.checkpoint_interval_s, self._save)),
                tasks.create_task(
                    self._every(lambda: report_s(self._settings.status_interval_s), self._reporter.write_status)
                ),
            ]
            beating = tasks.create_task(
                self._every(lambda: report_s(self._settings.heartbeat_interval_s), self._reporter.beat)
            )
            changing = tasks.create_task(self._take_changes(changes))
            sending = tasks.create_task(self._send_batches())
            scanning = None if self._once else tasks.create_task(self._scan_on_changes())
            await self._read_batches()
            await self._flush(sending)
            if scanning:
                await scanning
            beating.cancel()
            changing.cancel()
            self._done.set()
            await asyncio.wait(keeping)
        await self._save()
        await self._reporter.last_beat()
        await self._reporter.write_status(last=True)

    def close(self) -> None:
        self._disk.shutdown(wait=True)
        self._tailer.close()

    def outcome(self) -> Outcome:
        problems = [f"{glob}: matches no file" for glob in self._tailer.unmatched]
        problems += [f"{path}: {problem}" for path, problem in self._tailer.problems.items()]
        problems += [
            f"{path}: {count} bytes were given up: {reason}" for (path, reason), count in self._books.given_up.items()
        ]
        if self._unsent:
            problems.append("stopped before everything that was read was acknowledged; the next run sends it")
        return Outcome(self._books.ledger.files(), tuple(problems))

    # Noticing

    async def _scan_on_changes(self) -> None:
        """Scan every so often, and look at what inotify reports in between."""
        watch = DirectoryWatch() if self._settings.watch else None

        def pause_s(names_changed: bool) -> float:
            return self._pace.pause_s(self._settings.scan_interval_s, names_changed=names_changed)

        try:
            names_changed = watch.follow(self._tailer.directories) if watch else False
            scanned = time.monotonic()
            while await until(
                self._stop,
                readable(watch.fileno() if watch else None, scanned + pause_s(names_changed) - time.monotonic()),
            ):
                await asyncio.sleep(self._settings.linger_s)
                changes = watch.changes() if watch else None
                if changes:
                    names_changed |= changes.names_changed
                if time.monotonic() >= scanned + pause_s(names_changed):
                    await self._scan()
                    scanned = time.monotonic()
                    names_changed = watch.follow(self._tailer.directories) if watch else False
                elif changes and changes.written:
                    self._take(await self._on_disk(partial(self._tailer.look_at, changes.written)))
        finally:
            if watch:
                watch.close()

    async def _scan(self) -> None:
        self._take(await self._on_disk(self._timed_scan))

    def _timed_scan(self) -> Turn:
        began = time.thread_time()
        turn = self._tailer.scan()
        self._pace.cpu_s = time.thread_time() - began
        return turn

    def _take(self, turn: Turn) -> None:
        for event in turn.events:
            self._books.record(event)
        if turn.more:
            self._work.set()

    async def _take_changes(self, changes: asyncio.Queue[AgentSettings]) -> None:
        while True:
            settings = await changes.get()
            self._settings = self._reporter.settings = settings
            self._stamper = Stamper(settings.stamp)
            self._delivery.use(RetryPolicy(settings.retry_initial_s, settings.retry_max_s))
            self._books.reconfigure(settings)
            await self._on_disk(partial(self._tailer.reconfigure, settings))
            await self._scan()
            _log.info("The configuration was read again.", sources=len(settings.sources))

    # Reading

    async def _read_batches(self) -> None:
        slots = 1
        while await self._take_slots(slots):
            self._work.clear()
            with self._reporter.load.stage("reading"):
                turn, pieces = await self._on_disk(partial(self._read_batch, slots))
            self._take(turn)
            if not pieces:
                self._release(slots)
            elif await self._save_ids():
                self._reporter.in_flight_bytes += sum(len(piece.chunk.payload) for piece in pieces)
                self._batches.put_nowait(Batch(pieces, slots))
            else:
                self._unsent = True
            del pieces
            slots = 2 if turn.cramped else 1
            if not turn.more and (self._once or not await until(self._stop, self._work.wait())):
                return

    def _read_batch(self, slots: int) -> tuple[Turn, list[Piece]]:
        turn = self._tailer.read_batch(
            bytes_max=self._settings.batch_bytes_max * slots, chunks_max=self._settings.batch_chunks_max
        )
        return turn, [self._build(event) for event in turn.events if isinstance(event, Read)]

    async def _take_slots(self, slots: int) -> bool:
        """Take slots; False if stopped. A free one is taken without the tasks that waiting needs."""
        with self._reporter.load.stage("receiver"):
            for _ in range(slots):
                if self._slots.locked():
                    if not await until(self._stop, self._slots.acquire()):
                        return False
                elif self._stop.is_set():
                    return False
                else:
                    await self._slots.acquire()
            return True

    def _release(self, slots: int) -> None:
        for _ in range(slots):
            self._slots.release()

    def _build(self, read: Read) -> Piece:
        block = read.block
        chunk = build_chunk(
            read.source,
            observed_ns=self._now_ns(),
            start=block.start,
            payload=block.payload,
            stamper=self._stamper,
            cuts=block.cuts,
        )
        self._metrics.count("clew_agent_read", block.end - block.start)
        self._metrics.count("clew_agent_lines", chunk.count)
        if block.cut_bytes:
            self._metrics.count("clew_agent_cut", block.cut_bytes)
            _log.warning("Lines over the limit were cut.", path=read.source.path, bytes=block.cut_bytes)
        return Piece(chunk, block)

    async def _save_ids(self) -> bool:
        """Make new file ids durable before any line of theirs leaves; False if stopped before that was possible."""
        while self._books.ids_to_save:
            await self._save()
            if self._books.ids_to_save and not await until(self._stop, asyncio.sleep(self._settings.retry_initial_s)):
                return False
        return True

    # Sending

    async def _send_batches(self) -> None:
        while (batch := await self._batches.get()) is not None:
            pieces, slots = batch.pieces, batch.slots
            answers = await self._delivery.deliver([piece.chunk for piece in pieces])
            if any(answers):
                await self._keep([refusal for refused in answers for refusal in refused])
            for piece, refused in zip(pieces, answers, strict=True):
                chunk = piece.chunk
                self._books.settle(chunk.source.file_id, piece.block, lines=chunk.count, refused=refused)
                self._reporter.in_flight_bytes -= len(chunk.payload)
            # The next batch may be long in coming; this one must not stay in memory meanwhile.
            del batch, pieces, piece, chunk, answers, refused
            self._release(slots)

    async def _keep(self, refused: Sequence[Refusal]) -> None:
        """Write down what will be passed over; where that fails it is in its file and in the ledger still."""
        try:
            await asyncio.to_thread(keep_refused, self._settings.data, refused, self._settings.refused_bytes_max)
        except OSError as error:
            if self._reporter.trouble("refused", f"lines that were refused cannot be kept: {error.strerror}"):
                _log.error("Lines that were refused cannot be kept.", error=error.strerror)
        else:
            self._reporter.well("refused")

    async def _flush(self, sending: asyncio.Task[None]) -> None:
        """Let what was read be sent: all of it, or once stopped as much as `shutdown_flush_s` allows."""
        self._batches.put_nowait(None)
        if not self._stop.is_set():
            await until(self._stop, asyncio.wait({sending}))
        if not sending.done():
            await asyncio.wait({sending}, timeout=self._settings.shutdown_flush_s)
        if not sending.done():
            self._unsent = True
            sending.cancel()
            _log.warning("Stopping before the receiver had everything; it is sent by the next run.")

    # Keeping

    async def _save(self) -> None:
        """Write the checkpoint; where that fails, say so and go on: what it lacks is sent again after a crash."""
        try:
            if old := self._books.forget():
                self._books.generation_floor = await self._on_disk(partial(self._tailer.forget, old))
            await self._books.save()
        except CheckpointError as error:
            if self._reporter.trouble("checkpoint", error.message):
                _log.error("The checkpoint cannot be written.", error=error.message, hint=error.hint)
        else:
            self._reporter.well("checkpoint")

    # Waiting

    async def _every(self, interval_s: Callable[[], float], act: Callable[[], Awaitable[None]]) -> None:
        while not self._done.is_set():
            await act()
            try:
                await asyncio.wait_for(self._done.wait(), interval_s())
            except TimeoutError:
                continue

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
