"""Kafka as the log: appended to as agents do, read as a member of a consumer group.

What several collectors share is how far the store is: the group's offsets, which are committed only once the store
has everything before them (`stored`). Positions are this process's own (see `offsets`). Which lines Kafka has already
is not looked up: a line that comes twice is the same event, and the store knows its id.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from clew_agent.errors import TransportError
from clew_agent.kafka.failures import explain
from clew_agent.kafka.murmurs import Murmurs
from clew_agent.transport.kafka import KafkaTransport
from clew_agent.wire import Chunk
from clew_collector.errors import LogError
from clew_collector.log.foreign import Headers
from clew_collector.log.protocol import Appended, FileCoverage, Place, Record, decoded_bytes

from .member import Member
from .messages import Content, MessageReader
from .offsets import Offsets
from .settings import KafkaLogSettings
from .topics import ensure_topics

__all__ = ["KafkaLog"]

# What is given to the fetcher in one call: it waits inside for as long as there is nothing.
POLL_S_MAX = 1.0
COMMIT_WAIT_S = 10.0
# Brokers change places within seconds; what lasts longer is told.
TROUBLE_S_MAX = 10.0
NS_PER_MS = 1_000_000

_log = structlog.get_logger()


class KafkaLog:
    """Implements `Log`. It connects when it is first needed, and again whenever that failed.

    `bury` keeps a record that cannot be read, durably; until it has, nothing behind that record is committed.
    """

    def __init__(
        self,
        settings: KafkaLogSettings,
        *,
        client_id: str,
        bury: Callable[[Place, bytes, Headers, str], Awaitable[None]],
        position: int = 0,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._bury = bury
        self._murmurs = Murmurs.listen()
        self._messages = MessageReader(settings)
        self._offsets = Offsets(position)
        self._given = self._stored = position
        self._trouble_since: float | None = None
        self._handing_over = False
        self._progress = asyncio.Event()
        self._member: Member | None = None
        self._fetched: deque[ConsumerRecord] = deque()
        self._next: dict[TopicPartition, int] = {}
        self._record_bytes = 0.0
        self._transport: KafkaTransport | None = None
        self._closed = False

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        """See `Log`. Lines that Kafka has already are not looked for: the store meets their ids again."""
        del encoded  # lines go to their transactions' partitions, so the chunks are made anew
        if self._closed:
            raise LogError("the log is closed")
        try:
            await self.transport.send(chunks)
        except TransportError as error:
            raise LogError(error.message, hint=error.hint) from error
        return Appended(accepted=sum(chunk.count for chunk in chunks), duplicate=0)

    @property
    def transport(self) -> KafkaTransport:
        """The way in, as agents have it."""
        if self._transport is None:
            self._transport = KafkaTransport(
                self._settings.address, self._settings, client_id=self._client_id, timeout_s=self._settings.timeout_s
            )
        return self._transport

    @property
    def partitions(self) -> set[TopicPartition]:
        """What of the topics this collector reads now."""
        return self._member.partitions if self._member is not None else set()

    async def read(self, after: int, *, bytes_max: int, wait_s: float) -> list[Record]:
        """See `Log`. A position before the last one given means that what came behind it is read again."""
        member = await self._join()
        if after < self._given:
            self._rewind(member, after)
        if not self._fetched:
            await self._fetch(member, wait_s)
        records = await self._decode(bytes_max)
        if records:
            self._given = records[-1].position
        elif self._offsets.has_stored(self._stored):
            # There was nothing but what was buried.
            await self.stored(self._stored)
        return records

    async def _decode(self, bytes_max: int) -> list[Record]:
        """Return what of the fetched records goes into `bytes_max`, at least one if one holds lines."""
        records: list[Record] = []
        size = 0
        while self._fetched and size < bytes_max:
            run = self._messages.run_of(self._fetched, bytes_max=bytes_max - size)
            contents = await asyncio.to_thread(self._messages.read, run)
            for message, content in zip(run, contents, strict=True):
                taken = decoded_bytes(content.chunk) if content.chunk is not None else 0
                if taken and records and size + taken > bytes_max:
                    return records
                if content.poison and self._is_next(message):
                    await self._bury(content.place, content.value, content.headers, content.poison)
                if not self._is_next(message):
                    break  # the partition was taken from us meanwhile
                size += taken
                records += self._take(message, content)
        return records

    def _is_next(self, message: ConsumerRecord) -> bool:
        return bool(self._fetched) and self._fetched[0] is message

    def _take(self, message: ConsumerRecord, content: Content) -> list[Record]:
        """Go on to the next message; return this one's record, if it holds anything."""
        self._fetched.popleft()
        partition = TopicPartition(message.topic, message.partition)
        self._next[partition] = message.offset + 1
        size = len(content.value)
        self._record_bytes = size if not self._record_bytes else 0.9 * self._record_bytes + 0.1 * size
        if content.chunk is None:
            self._offsets.pass_over(partition, message.offset)
            return []
        position = self._offsets.read(partition, message.offset)
        return [Record(position, message.timestamp * NS_PER_MS, content.chunk, size, content.place)]

    async def _fetch(self, member: Member, wait_s: float) -> None:
        began = time.monotonic()
        try:
            found = await member.consumer.getmany(timeout_ms=int(min(wait_s, POLL_S_MAX) * 1000))
        except KafkaError as error:
            if member.has_failed:
                await self._leave(member)
            raise self._failure(error) from error
        if found or not self._murmurs.since(began):
            self._trouble_since = None
        elif self._trouble_since is None:
            self._trouble_since = began
        elif began - self._trouble_since > TROUBLE_S_MAX:
            raise self._failure(None)
        for partition, messages in found.items():
            self._next.setdefault(partition, messages[0].offset)
            self._fetched.extend(messages)

    def _rewind(self, member: Member, after: int) -> None:
        # What waits here was never given out: it, too, is fetched again, behind what is read again.
        first = {TopicPartition(m.topic, m.partition): m.offset for m in reversed(self._fetched)}
        first |= self._offsets.rewind(after)
        self._fetched.clear()
        self._given = after
        for partition in first.keys() & member.partitions:
            member.consumer.seek(partition, first[partition])
            self._next[partition] = first[partition]

    async def stored(self, position: int) -> None:
        """See `Log`: commit what the store has."""
        self._stored = max(self._stored, position)
        offsets = self._offsets.stored(position)
        if not offsets or self._member is None:
            return
        try:
            async with asyncio.timeout(COMMIT_WAIT_S):
                self._offsets.committed(await self._member.commit(offsets))
        except (KafkaError, TimeoutError) as error:
            # They are committed with the next ones. After a restart some records are read again, which doubles nothing.
            _log.warning("Offsets could not be committed yet.", error=self._failure(error).message)
        self._progress.set()

    async def end(self) -> int:
        """See `Log`: the last position that was given, and one more for each record that this collector has to read."""
        return self._offsets.position + len(self._fetched) + self._unread()

    async def lag_bytes(self, after: int) -> int:
        """See `Log`. Of what is not read yet only the number of records is known: their mean size is taken."""
        unstored = max(0, self._offsets.position - after)
        return int((unstored + len(self._fetched) + self._unread()) * self._record_bytes)

    def _unread(self) -> int:
        """Return how many records there are behind what was fetched, as brokers last said."""
        if self._member is None or self._handing_over:
            return 0  # of what is given up we read no more
        waiting: dict[TopicPartition, int] = {}
        for message in self._fetched:
            waiting[TopicPartition(message.topic, message.partition)] = message.offset + 1
        unread = 0
        for partition in self._member.partitions:
            end = self._member.consumer.highwater(partition)
            begin = waiting.get(partition, self._next.get(partition))
            if end is not None and begin is not None:
                unread += max(0, end - begin)
        return unread

    async def position_at(self, time_ns: int) -> int:
        """See `Log`. Positions are of this process only, so there is no answer: replaying goes by Kafka's own times."""
        raise LogError("Kafka has no positions by time", hint="`clew replay --from T` reads Kafka by its own times")

    async def coverage(self) -> list[FileCoverage]:
        """See `Log`. Kafka keeps no account of files: the audit compares what agents say with the store."""
        return []

    async def close(self) -> None:
        """See `Log`."""
        self._closed = True
        self._progress.set()
        if self._member is not None:
            await self._member.stop()
        if self._transport is not None:
            await self._transport.close()

    async def _join(self) -> Member:
        if self._closed:
            raise LogError("the log is closed")
        if self._member is None:
            try:
                await ensure_topics(self._settings, client_id=self._client_id)
                member = Member(
                    self._settings,
                    self._settings.topics_read,
                    client_id=self._client_id,
                    revoked=self._hand_over,
                )
                await member.start()
            except (KafkaError, OSError) as error:  # TimeoutError is an OSError
                raise self._failure(error) from error
            self._member = member
        return self._member

    async def _leave(self, member: Member) -> None:
        """Take leave of a member that is none any more; the next read joins anew, where the group is."""
        partitions = member.partitions
        self._member = None
        self._fetched.clear()
        self._next.clear()
        self._offsets.revoke(partitions)
        await member.stop()

    async def _hand_over(self, partitions: Collection[TopicPartition]) -> None:
        """Finish what is in hand of partitions that others get, within `hand_over_s_max`; drop the rest of it."""
        # What was never given out is not begun any more.
        self._fetched = deque(m for m in self._fetched if TopicPartition(m.topic, m.partition) not in partitions)
        self._handing_over = True
        try:
            async with asyncio.timeout(self._settings.hand_over_s_max):
                while self._offsets.holds(partitions) and not self._closed:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            _log.warning("Partitions are given up before all was stored: what is in hand is read again by others.")
        finally:
            self._handing_over = False
            self._offsets.revoke(partitions)
            for partition in partitions:
                self._next.pop(partition, None)

    def _failure(self, error: BaseException | None) -> LogError:
        murmur = self._murmurs.since(time.monotonic() - self._settings.timeout_s)
        said = explain(error, self._settings.address, murmur=murmur, topics=self._settings.topics_read)
        return LogError(said.message, hint=said.hint)
