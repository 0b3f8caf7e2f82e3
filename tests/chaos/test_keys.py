"""A program that puts ids into its keys: no line is refused, every key is found, and the mapping does not grow.

elasticsearch#13547: each key becomes a field, until the cluster's state does not fit.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from deploy.engines import Elasticsearch
from tests.elastic_stores import elastic_settings, remove_indices

from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchStore
from clew_collector.store.elasticsearch.names import DAY_NS, Names
from clew_collector.store.elasticsearch.template import FIELDS_MAX
from clew_collector.store.expression import ALL, Exists, Range, Term
from clew_collector.store.protocol import Item, SearchRequest, Verdict

from .pipeline import repeated

pytestmark = [pytest.mark.elastic, pytest.mark.chaos, pytest.mark.timeout(repeated(3600, 300))]

EVENTS = repeated(1_000_000, 20_000)
KEYS = repeated(200_000, 20_000)
"""Different ones: one half of them has numbers, the other texts."""
AT_ONCE = 5_000
LOOKED_FOR = 20
MIDNIGHT = 1_795_478_400 * 10**9 // DAY_NS * DAY_NS
FILE = "ab" * 10


def line(number: int) -> Event:
    event_id, key = f"{FILE}{number:012x}", number % (KEYS // 2)
    return Event(
        event_id=event_id, timestamp=MIDNIGHT + number, observed_timestamp=MIDNIGHT, service="orders", host="alpha",
        source="/var/log/orders.log", offset=number, length=1, transaction_id=event_id,
        transaction_origin="generated", attributes={f"key.{key}": number, f"text{key}": f"v{number}"},
    )  # fmt: skip


@pytest.fixture
async def store(elastic: Elasticsearch) -> AsyncIterator[ElasticsearchStore]:
    made = ElasticsearchStore.open(elastic_settings(elastic.url))
    yield made
    await made.close()
    await remove_indices(made)


def mapping_of(store: ElasticsearchStore) -> dict[str, Any]:
    """Return the mapping of the one index."""
    index = Names(store.settings.index_prefix).all_events
    answer = httpx.get(f"{store.settings.hosts[0]}/{index}/_mapping", timeout=60).raise_for_status()
    [found] = answer.json().values()
    mapping: dict[str, Any] = found["mappings"]
    return mapping


def mapped_fields(mapping: dict[str, Any]) -> int:
    """Count fields and objects, at any depth, as `index.mapping.total_fields.limit` does."""
    fields = mapping.get("properties", {}).values()
    return len(fields) + sum(mapped_fields(one) for one in fields)


async def test_many_keys_make_no_fields_and_every_key_is_found(store: ElasticsearchStore) -> None:
    began, mapping = time.monotonic(), {}
    for first in range(0, EVENTS, AT_ONCE):
        part = [Item(first + 1, line(number)) for number in range(first, first + AT_ONCE)]
        assert await store.write(part) == [Verdict.CREATED] * AT_ONCE
        mapping = mapping or mapping_of(store)
    await store.flush()
    took = time.monotonic() - began
    fields = mapped_fields(mapping)
    print(f"\nchaos: {EVENTS} events, {KEYS} different keys: {fields} mapped fields, none refused, within {took:.0f} s")
    assert fields <= FIELDS_MAX
    assert mapping_of(store) == mapping, "what came later changed nothing in the cluster's state"
    assert await store.count(ALL) == EVENTS
    dice = random.Random(5)
    for number in [0, EVENTS - 1, *(dice.randrange(EVENTS) for _ in range(LOOKED_FOR))]:
        key, texts = f"attributes.key.{number % (KEYS // 2)}", f"attributes.text{number % (KEYS // 2)}"
        assert await store.count(Exists(key)) == await store.count(Exists(texts)) == EVENTS // (KEYS // 2)
        found = await store.search(SearchRequest(Range(key, low=number, high=number)))
        assert [one.offset for one in found.events] == [number]
        assert await store.count(Term(texts, f"v{number}")) == 1
