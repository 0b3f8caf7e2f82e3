"""A store against an Elasticsearch that misbehaves: indexed and rejected are all that was sent, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.fake_elasticsearch import FakeElasticsearch, Moods

from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.elasticsearch.verdict import Decision
from clew_collector.store.protocol import Item, Verdict

NOW = 1_795_478_400_000_000_000
DAY_NS = 86_400 * 10**9
EVENTS = 3_000
STATE = "clew-state-blocks"

MOODS = {
    "well": Moods(),
    "busy items": Moods(item_busy=0.3, item_unavailable=0.2),
    "refuses some": Moods(item_refused=0.1),
    "too large": Moods(bytes_max=20_000),
    "broken answers": Moods(broken=0.3),
    "cut answers": Moods(cut=0.3),
    "hangs up": Moods(silent=0.3),
    "slow": Moods(slow=1.0),
    "busy": Moods(busy=0.3, unavailable=0.3),
    "shards away for a moment": Moods(unrefreshed=0.3),
    "everything at once": Moods(
        busy=0.05, unavailable=0.05, cut=0.1, broken=0.1, silent=0.05, slow=0.1, item_busy=0.1, item_unavailable=0.05,
        item_refused=0.05, bytes_max=100_000, unrefreshed=0.1,
    ),
}  # fmt: skip


def event(number: int, *, observed: int = NOW) -> Event:
    event_id = f"{number % 7:020x}{number:012x}"
    return Event(
        event_id=event_id, timestamp=None if number % 5 == 0 else NOW + number % 3 * DAY_NS,
        observed_timestamp=observed, service="orders", host="h", source="/x", offset=number, length=10,
        transaction_id=event_id, transaction_origin="generated", body=f"line {number}",
    )  # fmt: skip


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def begin(moods: Moods, seed: int, **settings: Any) -> tuple[FakeElasticsearch, ElasticsearchStore]:
            fake = FakeElasticsearch(seed, moods)
            await fake.start()
            stack.push_async_callback(fake.stop)
            store = ElasticsearchStore.open(
                ElasticsearchSettings(
                    hosts=(fake.url,),
                    bulk_bytes_max=64 * 1024,
                    retry_wait_s_min=0.001,
                    retry_wait_s_max=0.01,
                    **({"attempts_max": 200} | settings),
                )
            )
            stack.push_async_callback(store.close)
            return fake, store

        yield begin


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("moods", MOODS.values(), ids=list(MOODS))
async def test_every_event_is_indexed_or_rejected_once(start: Callable[..., Any], moods: Moods, seed: int) -> None:
    fake, store = await start(moods, seed)
    events = [event(number) for number in range(EVENTS)]
    verdicts: Counter[str] = Counter()
    rejected: dict[str, str] = {}
    for first in range(0, EVENTS, 500):
        # Each batch begins with lines of the one before, read again on the next day.
        batch = [event(number, observed=NOW + DAY_NS) for number in range(max(first - 50, 0), first)]
        batch += events[first : first + 500]
        found = await store.write([Item(1 + first, one) for one in batch])
        verdicts.update(verdict.value for verdict in found)
        again = [v for one, v in zip(batch, found, strict=True) if one.event_id in rejected]
        assert set(again) <= {Verdict.REJECTED}
        assert store.rejections.keys() == {
            one.event_id for one, verdict in zip(batch, found, strict=True) if verdict is Verdict.REJECTED
        }
        rejected |= store.rejections
        await store.flush()
    # Whatever was refreshed in vain was refreshed again: a flush promises that all is found.
    assert {index for indices in fake.stored.values() for index in indices} - {STATE} <= fake.refreshed
    ids = {one.event_id for one in events}
    indexed = {event_id for event_id in fake.stored if event_id in ids}
    assert indexed | rejected.keys() == ids
    assert not indexed & rejected.keys()
    assert {event_id: indices for event_id, indices in fake.stored.items() if len(indices) > 1} == {}
    assert rejected.keys() == {event_id for event_id in ids if fake.refuses(event_id)}
    assert all(event_id in reason for event_id, reason in rejected.items())
    sent = EVENTS + 50 * (EVENTS // 500 - 1)
    assert verdicts.total() == sent
    assert verdicts["created"] + verdicts["duplicate"] == sent - verdicts["rejected"]
    # The counters are the truth: what was decided about requests is what was answered to them.
    assert store.requests[Decision.ITEMS] == fake.answers["whole"]
    assert store.requests[Decision.AGAIN] + store.requests[Decision.HALVE] == sum(
        fake.answers[kind] for kind in ("busy", "unavailable", "silent", "cut", "broken", "too_large")
    )
    assert store.requests.total() == fake.answers.total()


async def test_what_is_never_taken_is_said_after_all_attempts(start: Callable[..., Any]) -> None:
    fake, store = await start(Moods(item_busy=1.0), 1, attempts_max=3)
    with pytest.raises(StoreError, match=r"did not take 10 of 10 events in 3 attempts: .*queue is full"):
        await store.write([Item(1, event(number)) for number in range(1, 50) if number % 5][:10])
    assert fake.stored == {}
