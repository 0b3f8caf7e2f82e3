"""Whatever happens to files, an agent and its receiver, in any order: nothing observable is lost, nothing comes twice
without a crash, and after one only under the event id that it had.

The agent's parts are driven step by step (scan, read, deliver, save), so that a failing order can be made small and
played again. Time is a number. The whole program is played by the scenarios and by `make soak`.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import shutil
import tempfile
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from opentelemetry.metrics import NoOpMeterProvider

from clew_agent.books import Books
from clew_agent.config import AgentSettings
from clew_agent.metrics import Metrics
from clew_agent.stamp import Stamper, StampSettings, build_chunk
from clew_agent.tail import Block, KnownContents, Read, Tailer
from clew_agent.wire import Chunk, event_id

EXAMPLES = int(os.environ.get("CLEW_MACHINE_EXAMPLES", "150"))
STEPS = int(os.environ.get("CLEW_MACHINE_STEPS", "40"))
NAMES = st.sampled_from(["app", "web"])
HEADER = b"# every content begins so\n"


@dataclass
class Content:
    """What a writer put into one file until that was truncated or deleted."""

    number: int
    path: Path | None
    lines: list[bytes] = field(default_factory=list)
    half: bytes = b""
    found: bool = False
    """A scan saw it under a name that is wanted, so it is being followed."""
    known: bool = False
    """Some of its lines were read, so the agent's memory has it."""
    seen: int = 0
    """So many of its lines were there when it was last looked at."""
    away: bool = False
    """Only an open descriptor leads to it."""


class Machine(RuleBasedStateMachine):
    """Files `app.log`, `web.log` and what rotation makes of them; one agent."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        memory = Path("/dev/shm")  # the state is written durably all the time
        self.data = Path(tempfile.mkdtemp(prefix="machine-", dir=memory if memory.is_dir() else None))
        self.loop = asyncio.new_event_loop()
        self.now_s = 0.0
        self.contents: list[Content] = []
        self.current: dict[str, Content] = {}
        self.rotations = 0
        self.arrived: list[tuple[str, bytes]] = []
        self.resent = False
        self.crashed = False
        self.up = True
        self.unobservable: set[bytes] = set()
        self.may_be_given_up: set[bytes] = set()
        self.tailer: Tailer | None = None
        self.in_flight: deque[tuple[Chunk, Block]] = deque()

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            if self.tailer:
                self.tailer.close()
            self.loop.close()
            shutil.rmtree(self.folder)
            shutil.rmtree(self.data)

    # The agent

    @initialize(rotated_wanted=st.booleans(), few_descriptors=st.booleans())
    def begin(self, rotated_wanted: bool, few_descriptors: bool) -> None:
        self.rotated_wanted = rotated_wanted
        glob = f"{self.logs}/*.log*" if rotated_wanted else f"{self.logs}/*.log"
        self.few_descriptors = few_descriptors
        self.settings = AgentSettings.model_validate(
            {
                "sources": [{"paths": [glob]}],
                "data": str(self.data),
                "host": "h",
                # What is not open and goes out of sight cannot be read any more.
                "open_files_max": 2 if few_descriptors and rotated_wanted else 100,
                "read_bytes_max": 4096,
            }
        )
        self.start()

    def start(self) -> None:
        self.books = Books(self.settings, Metrics(NoOpMeterProvider().get_meter("x")))
        known = KnownContents(self.books.ledger.accounts(), generation_floor=self.books.generation_floor)
        self.tailer = Tailer(self.settings, known, monotonic_s=lambda: self.now_s)

    @precondition(lambda self: self.tailer)
    @rule()
    def scan(self) -> None:
        assert self.tailer
        for event in self.tailer.scan().events:
            self.books.record(event)
        for content in self.contents:
            content.found |= bool(self.wanted(content.path) and (content.lines or content.half))
            if content.found:
                content.seen = len(content.lines)

    @precondition(lambda self: self.tailer)
    @rule(data=st.data())
    def notice(self, data: st.DataObject) -> None:
        """The kernel says that a file changed."""
        assert self.tailer
        present = sorted(str(path) for path in self.logs.iterdir()) or [str(self.logs / "app.log")]
        for event in self.tailer.look_at(data.draw(st.lists(st.sampled_from(present)), label="noticed")).events:
            self.books.record(event)

    def wanted(self, path: Path | None) -> bool:
        return bool(path and (self.rotated_wanted or path.suffix == ".log"))

    @precondition(lambda self: self.tailer and len(self.in_flight) < 2)
    @rule()
    def read(self) -> None:
        self.read_batch()

    def read_batch(self) -> bool:
        assert self.tailer
        turn = self.tailer.read_batch(bytes_max=1 << 16, chunks_max=3)
        for event in turn.events:
            self.books.record(event)
        self.save()
        for event in turn.events:
            if isinstance(event, Read):
                for content in self.contents:
                    content.known |= b"content %d:" % content.number in event.block.payload
                self.in_flight.append((self.chunk(event), event.block))
        return turn.more

    def chunk(self, read: Read) -> Chunk:
        block = read.block
        return build_chunk(
            read.source,
            observed_ns=1,
            start=block.start,
            payload=block.payload,
            stamper=Stamper(StampSettings()),
            cuts=block.cuts,
        )

    @precondition(lambda self: self.in_flight and self.up)
    @rule(acknowledged=st.booleans())
    def deliver(self, acknowledged: bool) -> None:
        """The receiver takes the oldest chunk, and its answer arrives or is lost."""
        chunk, block = self.in_flight[0]
        self.arrived += [(event_id(chunk.source.file_id, line.offset), line.raw) for line in chunk.lines()]
        if acknowledged:
            self.books.settle(chunk.source.file_id, block, lines=chunk.count)
            self.in_flight.popleft()
        else:
            self.resent = True

    @precondition(lambda self: self.tailer)
    @rule()
    def save(self) -> None:
        self.loop.run_until_complete(self.books.save())

    @precondition(lambda self: self.tailer)
    @rule()
    def kill(self) -> None:
        self.crashed = True
        self.end()

    @precondition(lambda self: self.tailer)
    @rule()
    def stop(self) -> None:
        while self.in_flight and self.up:
            self.deliver(acknowledged=True)
        self.save()
        self.end()

    def end(self) -> None:
        assert self.tailer
        self.tailer.close()
        self.tailer = None
        self.in_flight.clear()
        for content in self.contents:
            content.found, content.seen = content.known, 0  # how much was seen need not be in the checkpoint
            if content.away or not (content.known or self.wanted(content.path)):
                self.unobservable.update(content.lines, [content.half])

    @precondition(lambda self: not self.tailer)
    @rule()
    def start_again(self) -> None:
        self.start()

    @rule()
    def switch_receiver(self) -> None:
        self.up = not self.up

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    # The writers

    def content_of(self, name: str) -> Content:
        if name not in self.current:
            path = self.logs / f"{name}.log"
            self.current[name] = Content(len(self.contents), path)
            self.contents.append(self.current[name])
            if (path.exists() and path.stat().st_size == 0) or not path.exists():
                path.write_bytes(HEADER)
        return self.current[name]

    @rule(name=NAMES, count=st.integers(1, 12), half=st.booleans())
    def write(self, name: str, count: int, half: bool) -> None:
        content = self.content_of(name)
        assert content.path
        written = b""
        for i in range(count):
            line = b"%s of content %d: line %d" % (name.encode(), content.number, len(content.lines))
            written += line[len(content.half) :] + b"\n" if not i else line + b"\n"
            content.half = b"" if not i else content.half
            content.lines.append(line)
        if half:
            line = b"%s of content %d: line %d" % (name.encode(), content.number, len(content.lines))
            content.half = line[: len(line) // 2]
            written += content.half
        with content.path.open("ab") as file:
            file.write(written)

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def rotate(self, data: st.DataObject) -> None:
        content = self.take(data)
        assert content.path
        self.rename(content, self.rotated_name(content))

    @precondition(lambda self: self.current)
    @rule(data=st.data(), copied=st.booleans())
    def truncate(self, data: st.DataObject, copied: bool) -> None:
        content = self.take(data)
        path = content.path
        assert path
        if copied:
            copy = self.rotated_name(content)
            shutil.copyfile(path, copy)
            content.path = copy
            self.move(content)
            if not content.known and not self.wanted(copy):
                self.give_up(content)  # seen, and gone from its place before it was begun
        else:
            content.path = None
            self.give_up(content)
        os.truncate(path, 0)

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        content = self.take(data)
        assert content.path
        self.remove(content, content.path)

    @precondition(lambda self: self.rotated() and self.free())
    @rule(data=st.data())
    def reuse(self, data: st.DataObject) -> None:
        """A rotated file is deleted, and the next one that is made gets its inode."""
        content = data.draw(st.sampled_from(self.rotated()), label="deleted")
        made = data.draw(st.sampled_from(self.free()), label="made")
        assert content.path
        os.truncate(content.path, 0)
        content.path.rename(made)
        content.path = None
        self.give_up(content)

    @precondition(lambda self: self.rotated())
    @rule(data=st.data(), count=st.integers(1, 3))
    def overwrite(self, data: st.DataObject, count: int) -> None:
        """Somebody writes other lines over a rotated file."""
        content = data.draw(st.sampled_from(self.rotated()), label="overwritten")
        new = Content(len(self.contents), content.path)
        self.contents.append(new)
        assert content.path
        new.lines = [b"over content %d: line %d" % (new.number, i) for i in range(count)]
        content.path.write_bytes(b"".join(line + b"\n" for line in new.lines))
        content.path = None
        self.give_up(content)
        if not self.wanted(new.path):
            self.unobservable.update(new.lines)  # what begins out of the globs is not wanted

    def free(self) -> list[Path]:
        """Return the places where no file is."""
        return [path for name in ("app", "web") if not (path := self.logs / f"{name}.log").exists()]

    @precondition(lambda self: self.rotated())
    @rule(data=st.data())
    def compress(self, data: st.DataObject) -> None:
        content = data.draw(st.sampled_from(self.rotated()), label="compressed")
        assert content.path
        packed = content.path.with_name(content.path.name + ".gz")
        packed.write_bytes(gzip.compress(content.path.read_bytes(), 1))
        content.path.unlink()
        content.path = packed

    def rotated(self) -> list[Content]:
        return [c for c in self.contents if c.path and c not in self.current.values() and c.path.suffix != ".gz"]

    def take(self, data: st.DataObject) -> Content:
        name = data.draw(st.sampled_from(sorted(self.current)), label="file")
        return self.current.pop(name)

    def rotated_name(self, content: Content) -> Path:
        assert content.path
        self.rotations += 1
        return content.path.with_name(f"{content.path.name}.{self.rotations}")

    def rename(self, content: Content, path: Path) -> None:
        assert content.path
        content.path.rename(path)
        content.path = path
        self.move(content)

    def move(self, content: Content) -> None:
        self.unobservable.add(content.half)
        followed = content.found if self.tailer else content.known
        if not self.wanted(content.path) and not followed:
            self.unobservable.update(content.lines)

    def remove(self, content: Content, path: Path) -> None:
        path.unlink()
        content.path = None
        content.away = True
        self.unobservable.add(content.half)
        if not content.found or not self.tailer:
            self.unobservable.update(content.lines)
        elif self.few_descriptors:
            self.give_up(content)  # perhaps it was not open

    def give_up(self, content: Content) -> None:
        """What was seen and not read must be reported; what was not seen cannot be."""
        seen = content.seen if content.found else 0
        self.unobservable.update(content.lines[seen:], [content.half])
        self.may_be_given_up.update(content.lines[:seen])

    # The oracle

    def check(self) -> None:
        if not hasattr(self, "settings"):
            return
        self.up = True
        if not self.tailer:
            self.start()
        for _ in range(12):
            self.scan()
            more = True
            while more:
                more = self.read_batch()
                while self.in_flight:
                    self.deliver(acknowledged=True)
            self.now_s += 7
        lines_of: dict[str, bytes] = {}
        repeated = 0
        for event, line in self.arrived:
            assert lines_of.setdefault(event, line) == line, "one id for two lines"
            repeated += 1
        assert self.crashed or self.resent or repeated == len(lines_of), "came twice without a crash"
        once = Counter(lines_of.values())
        del once[HEADER.strip()]
        halves = Counter(content.half for content in self.contents)
        doubled = [line for line, count in once.items() if count > max(1, halves[line])]
        assert not doubled, f"twice under other ids: {doubled[:3]}"
        written = {line for content in self.contents for line in content.lines}
        foreign = once.keys() - written - halves.keys()
        assert not foreign, f"never written so: {sorted(foreign)[:3]}"
        missing = written - once.keys() - self.unobservable
        given_up = sum(lost.end - lost.start for file in self.books.ledger.files() for lost in file.given_up)
        assert missing <= self.may_be_given_up, f"lost: {sorted(missing - self.may_be_given_up)[:3]}"
        assert given_up >= sum(len(line) + 1 for line in missing), "lost and not counted"


@pytest.mark.timeout(0)
def test_any_order_of_events() -> None:
    """As many orders as CLEW_MACHINE_EXAMPLES says."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                # The same orders each time, unless one looks for new ones.
                derandomize="CLEW_MACHINE_EXAMPLES" not in os.environ,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    finally:
        structlog.reset_defaults()
