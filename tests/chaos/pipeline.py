"""Agent, three brokers, collectors, Elasticsearch: the real programs under load, and the exact account afterwards."""

from __future__ import annotations

import itertools
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from deploy.engines import Elasticsearch, Kafka
from tests.elastic_stores import elastic_settings, remove_prefix
from tests.kafka_topics import create, in_thread, new_prefix, read_all
from tests.scenarios.agent_program import AgentProgram
from tests.scenarios.collector_program import CollectorProgram

from clew_agent.wire import decode_chunk
from clew_collector.audit import Audit, audit_without_log
from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.log.kafka.agents import KafkaAgents
from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.protocol import SearchRequest

from .offsets import committed, end
from .pace import GIVE_UP_S, Pace, speed

__all__ = ["Account", "Pipeline", "repeated"]

FILES = 3
LINES_AT_ONCE = 10
WRITE_PAUSE_S = 0.01
"""3,000 lines a second in all."""
STILL_S_MAX = 90.0
"""As long as more comes, it is waited for, however slow the machine is; what is still for so long is at its end."""
LIMIT = 5_000
COUNT_S_MAX = 600.0
MOVED_CLOCK = Path(__file__).with_name("moved_clock.py")
FIRST_S_MAX = 300.0
TOLD_MAX = 20


def repeated(full: int, reduced: int) -> int:
    """Return how often to do it: all of it with CLEW_CHAOS=full (`make chaos`), else a few times."""
    return full if os.environ.get("CLEW_CHAOS") == "full" else reduced


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the lines."""

    written: int
    lost: int
    doubled: int
    strange: int
    """Events that nobody wrote."""
    letters: int
    """Dead letters: nothing that a writer wrote may become one."""


class Writer:
    """Appends numbered lines to one file until it is told to stop; every second line has no time of its own."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"writer-{number}")
        self.lines = 0

    def start(self) -> None:
        self._path.touch()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def written(self) -> Iterator[bytes]:
        return (self._line(n).rstrip(b"\n") for n in range(self.lines))

    def _line(self, n: int) -> bytes:
        at = f"2026-11-24T10:{n // 60 % 60:02}:{n % 60:02}.{n % 1000:03}Z " if n % 2 else ""
        trace = f"{self._number:08x}{n // 7:024x}"
        return f"{at}INFO file {self._number} line {n} trace_id={trace} {'x' * (n % 50)}\n".encode()

    def _run(self) -> None:
        with self._path.open("ab", buffering=0) as file:
            while not self._stopping.wait(WRITE_PAUSE_S):
                file.write(b"".join(self._line(n) for n in range(self.lines, self.lines + LINES_AT_ONCE)))
                self.lines += LINES_AT_ONCE


class Pipeline:
    """A context manager: everything runs inside, and is ended at its end, whatever happened."""

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        elastic: Elasticsearch,
        *,
        seed: int = 1,
        relayed: str = "",
        member: str = "",
        **agent: Any,
    ) -> None:
        """`relayed`: where the agent reaches Kafka, if not there; `member`: the first collector's lasting name.

        `agent`: more of the agent's settings.
        """
        self.kafka = kafka
        self.elastic = elastic
        self.random = random.Random(seed)
        self.prefix = new_prefix()
        self.server = f"kafka://{kafka.bootstrap}/{self.prefix}"
        self.store_settings = elastic_settings(elastic.url)
        self._folder = folder
        (folder / "logs").mkdir()
        self._member = member
        self._clock = folder / "clock"
        self.move_clock(0)
        self.agent = AgentProgram(
            folder,
            f"kafka://{relayed or kafka.bootstrap}/{self.prefix}",
            prefix=[sys.executable, str(MOVED_CLOCK), str(self._clock)],
            send_timeout_s=5,
            **agent,
        )
        self.writers = [Writer(folder / "logs" / f"{n}.log", n) for n in range(FILES)]
        self._names = itertools.count(1)
        self._stack = ExitStack()
        self.collectors: list[CollectorProgram] = []
        self.pace = Pace(self.log_settings, self.store_settings)

    @property
    def log_settings(self) -> KafkaLogSettings:
        return KafkaLogSettings(server=self.server, group=self.prefix, timeout_s=10, session_timeout_s=6)

    @property
    def _counting(self) -> ElasticsearchSettings:
        """Settings of who counts at the end, and waits for it as long as it takes."""
        return self.store_settings.model_copy(update={"search_timeout_s": COUNT_S_MAX})

    def __enter__(self) -> Self:
        topics = self.log_settings.address.topics
        replicas = min(3, len(self.kafka.nodes))
        in_thread(create(self.kafka.bootstrap, {topics.events: 6}, replicas=replicas))
        compact = {"cleanup_policy": "compact"}
        in_thread(
            create(self.kafka.bootstrap, {topics.agents: 1, topics.dead_letters: 1}, replicas=replicas, **compact)
        )
        self._stack.callback(remove_prefix, self.store_settings)
        self._stack.enter_context(self.agent)
        self.agent.start()
        self.add_collector(self._member)
        for writer in self.writers:
            writer.start()
            self._stack.callback(writer.stop)
        self._stack.enter_context(self.pace)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_collector(self, member: str = "") -> CollectorProgram:
        """Let one more collector join the group."""
        store = self.store_settings.model_dump(mode="json", exclude_defaults=True)
        collector = CollectorProgram(
            self._folder / f"collector-{next(self._names)}",
            log={"kafka": {**self.log_settings.model_dump(mode="json", exclude_defaults=True), "member": member}},
            store={"elasticsearch": store},
            retry_wait_s_max=1,
        )
        collector.start()
        self._stack.callback(collector.kill)
        self.collectors.append(collector)
        return collector

    def move_clock(self, days: int) -> None:
        """Let the agent live so many days ahead, from its next start on."""
        self._clock.write_text(str(days * 86_400))

    def read_again(self) -> int:
        """Return how many lines the first collector was given again since it was started."""
        text = httpx.get(self.collectors[0].url + "/metrics", timeout=30).text
        found = re.search(r'^clew_consumer_events_total\{.*verdict="duplicate".*\} (\S+)$', text, re.MULTILINE)
        assert found, "the collector does not tell of duplicates"
        return int(float(found[1]))

    def run_for(self, least_s: float, most_s: float) -> None:
        """Let everything work for a while."""
        time.sleep(self.random.uniform(least_s, most_s))

    def begin(self, at_work_s: float) -> None:
        """Let everything work for so long once the first lines are stored: the speed before all failures."""
        deadline = time.monotonic() + FIRST_S_MAX
        while not any(one.stored for one in self.pace.samples):
            assert time.monotonic() < deadline, f"nothing was stored: {self.collectors[0].ready()}"
            time.sleep(0.1)
        time.sleep(at_work_s)

    def go_on(self) -> bool:
        """Return whether something was committed within `GIVE_UP_S` of the last failure's end, once it was."""
        deadline = self.pace.failures[-1].ended + GIVE_UP_S
        while not (recovered := self.pace.recovered()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return recovered

    def speeds(self, after_s: float) -> tuple[float, float]:
        """Return how many lines a second were stored before the first failure, and since the last, for `after_s`."""
        ended = self.pace.failures[-1].ended
        while time.monotonic() < ended + after_s:
            time.sleep(0.1)
        samples = list(self.pace.samples)
        first = next(one.at for one in samples if one.stored)
        return speed(samples, first, self.pace.failures[0].began), speed(samples, ended, ended + after_s)

    def settle(self) -> Account:
        """Stop writing, wait until the agent and the collectors have come to rest, and count."""
        for writer in self.writers:
            writer.stop()
        written = Counter(itertools.chain.from_iterable(writer.written() for writer in self.writers))
        # What is doubled comes late: once all is acknowledged the agent sends no more, once Kafka is read to its end
        # nothing more is stored.
        size = sum(path.stat().st_size for path in (self._folder / "logs").iterdir())
        _wait_while_it_grows(lambda: in_thread(self._acknowledged()), size)
        _wait_while_it_grows(lambda: in_thread(committed(self.log_settings)), in_thread(end(self.log_settings)))
        stored = in_thread(self._stored())
        return Account(
            written=len(written),
            lost=sum(1 for line in written if line not in stored),
            doubled=sum(count - 1 for line, count in stored.items() if line in written),
            strange=sum(count for line, count in stored.items() if line not in written),
            letters=in_thread(self._letters()),
        )

    def tell(self) -> str:
        """Return which lines are lost or doubled, and whether Kafka has them: for who looks for the cause."""
        stored, topic = in_thread(self._stored()), self.log_settings.address.topics.events
        records = in_thread(read_all(self.kafka.bootstrap, topic))
        in_kafka = Counter(line.raw for record in records for line in decode_chunk(record.value).lines())
        wrong = [line for writer in self.writers for line in writer.written() if stored[line] != 1]
        told = [f"{line!r}: {stored[line]} times stored, {in_kafka[line]} times in Kafka" for line in wrong[:TOLD_MAX]]
        return "\n".join([f"{len(wrong)} lines are wrong:", *told])

    def audit(self) -> Audit:
        """Return the account of every file, for when all has settled."""
        return in_thread(self._audit())

    async def _acknowledged(self) -> int:
        agents = KafkaAgents.follow(self.log_settings, client_id="test")
        try:
            return sum(ledger.acknowledged for ledger in (await agents.ledgers()).values())
        finally:
            await agents.close()

    async def _stored(self) -> Counter[bytes]:
        store = ElasticsearchStore.open(self._counting)
        try:
            found: Counter[bytes] = Counter()
            page = await store.search(SearchRequest(order="asc", limit=LIMIT))
            found.update(event.original for event in page.events)
            while page.cursor is not None:
                page = await store.search(SearchRequest(order="asc", limit=LIMIT, after=page.cursor))
                found.update(event.original for event in page.events)
            return found
        finally:
            await store.close()

    async def _letters(self) -> int:
        letters = KafkaDeadLetters(self.log_settings, client_id="test")
        try:
            return len(await letters.letters())
        finally:
            await letters.close()

    async def _audit(self) -> Audit:
        agents = KafkaAgents.follow(self.log_settings, client_id="test")
        store = ElasticsearchStore.open(self._counting)
        try:
            return audit_without_log(await agents.ledgers(), await store.files())
        finally:
            await store.close()
            await agents.close()


def _wait_while_it_grows(ask: Callable[[], int], goal: int) -> None:
    """Return once the answer reached the goal, or did not change for `STILL_S_MAX`."""
    last, changed = -1, time.monotonic()
    while (now := ask()) < goal and time.monotonic() - changed < STILL_S_MAX:
        if now != last:
            last, changed = now, time.monotonic()
        time.sleep(0.5)
