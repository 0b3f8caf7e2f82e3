"""A lookup by id, with no range of time, asks only the days that hold its lines (jaeger#2941: it asked them all)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from deploy.engines import Elasticsearch
from elasticsearch import AsyncElasticsearch
from tests.elastic_stores import elastic_settings, remove_indices

from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore
from clew_collector.store.elasticsearch.connection import Connection, Reply, client_of
from clew_collector.store.elasticsearch.hint import DAYS_MAX
from clew_collector.store.elasticsearch.names import DAY_NS
from clew_collector.store.expression import ALL, Exists, Or, Term
from clew_collector.store.protocol import Item, SearchRequest
from clew_query.path import collect_transaction

pytestmark = pytest.mark.elastic

MIDNIGHT = 1_795_478_400 * 10**9 // DAY_NS * DAY_NS
DAYS = 12


class CountedConnection(Connection):
    """The real one, which remembers how many shards Elasticsearch says that it asked for each search."""

    def __init__(self, client: AsyncElasticsearch, settings: ElasticsearchSettings) -> None:
        super().__init__(client, settings)
        self.shards: list[int] = []

    async def reply(
        self, method: str, path: str, body: Any = None, *, parameters: Mapping[str, str] | None = None
    ) -> Reply:
        reply = await super().reply(method, path, body, parameters=parameters)
        if path.endswith("/_search"):
            self.shards.append(msgspec.json.decode(reply.body)["_shards"]["total"])
        return reply


def line(number: int, transaction_id: str, day: int | None, *, read: int = MIDNIGHT) -> Event:
    return Event(
        event_id=f"{'ab' * 10}{number:012x}", timestamp=None if day is None else MIDNIGHT + day * DAY_NS + number,
        observed_timestamp=read, service="orders", host="alpha", source="/var/log/orders.log", offset=number, length=10,
        transaction_id=transaction_id, transaction_origin="line", body="paid",
    )  # fmt: skip


def name(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture
async def asked(elastic: Elasticsearch) -> AsyncIterator[tuple[ElasticsearchStore, CountedConnection]]:
    """A store of twelve days, and what it asked: a transaction each day, one over midnight, one without a time."""
    settings = elastic_settings(elastic.url)
    connection = CountedConnection(client_of(settings), settings)
    store = ElasticsearchStore(connection, settings)
    lines = [line(100 * day + i, name(day), day) for day in range(DAYS) for i in range(3)]
    lines += [line(5000, name(900), 3), line(5001, name(900), 4)]
    lines += [line(6000 + i, name(901), None, read=MIDNIGHT + 20 * DAY_NS) for i in range(2)]
    await store.write([Item(1, one) for one in lines])
    await store.flush()
    yield store, connection
    await store.close()
    await remove_indices(store)


async def test_only_the_days_that_hold_it_are_asked(asked: tuple[ElasticsearchStore, CountedConnection]) -> None:
    store, connection = asked
    for sought, lines, indices in [
        (Term("transaction_id", name(5)), 3, 1),
        (Term("transaction_id", name(900)), 2, 2),
        (Term("transaction_id", name(901)), 2, 1),
        (Or((Term("transaction_id", name(1)), Term("transaction_id", name(2)))), 6, 2),
    ]:
        connection.shards.clear()
        page = await store.search(SearchRequest(sought))
        assert (len(page.events), page.total, await store.count(sought)) == (lines, lines, lines)
        assert [one.count for one in await store.facet(sought, "service")] == [lines]
        assert connection.shards == [indices] * 3
    connection.shards.clear()
    assert await store.count(ALL) == 3 * DAYS + 4
    assert connection.shards == [DAYS + 1], "the other questions are asked of all"


async def test_the_path_of_a_transaction_asks_no_other_days(
    asked: tuple[ElasticsearchStore, CountedConnection],
) -> None:
    store, connection = asked
    connection.shards.clear()
    found = await collect_transaction(store, name(900).upper())
    assert found is not None
    assert found.total == 2
    assert max(connection.shards) == 2


async def test_lines_that_come_later_on_another_day_are_found_too(
    asked: tuple[ElasticsearchStore, CountedConnection],
) -> None:
    """Another collector brings them: what it adds is merged with what the first one said."""
    store, connection = asked
    other = ElasticsearchStore.open(store.settings)
    await other.write([Item(1, line(7000, name(5), 9)), Item(1, line(7001, name(902), 9))])
    await other.flush()
    await other.close()
    connection.shards.clear()
    assert await store.count(Term("transaction_id", name(5))) == 4
    assert await store.count(Term("transaction_id", name(902))) == 1
    assert connection.shards == [2, 1]


async def test_what_is_in_too_many_days_or_has_no_summary_is_looked_for_everywhere(
    asked: tuple[ElasticsearchStore, CountedConnection],
) -> None:
    store, _connection = asked
    own = f"{'cd' * 10}{1:012x}"
    generated = msgspec.structs.replace(
        line(1, own, 2), event_id=own, transaction_id=own, transaction_origin="generated"
    )
    long = [line(8000 + i, name(903), i) for i in range(DAYS_MAX + 2)]
    await store.write([Item(2, one) for one in (generated, *long)])
    await store.flush()
    assert await store.count(Term("transaction_id", own)) == 1
    assert await store.count(Term("transaction_id", name(903))) == DAYS_MAX + 2
    assert await store.count(Term("transaction_id", name(77777))) == 0
    assert await store.count(Exists("transaction_id")) == await store.count(ALL)
