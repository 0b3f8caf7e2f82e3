"""How far a group has read, and how far there is to read, as Kafka says."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from clew_collector.log.kafka.settings import KafkaLogSettings
from clew_collector.log.kafka.whole import partitions_of

__all__ = ["Committed", "committed", "end"]


class Committed:
    """Asks for a group's offsets, by a client that is replaced when it failed."""

    def __init__(self, log: KafkaLogSettings, *, ask_s_max: float) -> None:
        self._log = log
        self._ask_s_max = ask_s_max
        self._client: AIOKafkaAdminClient | None = None

    async def total(self) -> int:
        """Return their sum. KafkaError or OSError where nobody answers."""
        if self._client is None:
            servers = ",".join(self._log.address.servers)
            self._client = AIOKafkaAdminClient(
                bootstrap_servers=servers, request_timeout_ms=int(self._ask_s_max * 1000)
            )
        try:
            await self._client.start()
            offsets = await self._client.list_consumer_group_offsets(self._log.group)
        except BaseException:
            await self.close()
            raise
        return sum(max(0, one.offset) for one in offsets.values())

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def committed(log: KafkaLogSettings) -> int:
    """Return the sum of the group's offsets, asked once."""
    asking = Committed(log, ask_s_max=log.timeout_s)
    try:
        return await asking.total()
    finally:
        await asking.close()


async def end(log: KafkaLogSettings) -> int:
    """Return the sum of what the offsets are once all that is in our topic of events was read."""
    consumer = AIOKafkaConsumer(bootstrap_servers=",".join(log.address.servers))
    await consumer.start()
    try:
        partitions = await partitions_of(consumer, log.address.topics.events)
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()
