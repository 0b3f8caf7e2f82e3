"""What only a real Elasticsearch shows: midnight, mappings, retention, blocks, foreign indices, restarts."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from deploy.engines import Elasticsearch
from tests.elastic_stores import elastic_settings, remove_indices

from clew_collector.doctor import Level, gather, judge
from clew_collector.doctor.command import doctor
from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchStore, RetentionSettings
from clew_collector.store.elasticsearch.connection import connect
from clew_collector.store.elasticsearch.janitor import Janitor
from clew_collector.store.elasticsearch.names import DAY_NS, Names
from clew_collector.store.expression import ALL, Range, Term
from clew_collector.store.protocol import Item, SearchRequest, TransactionRequest, Verdict

pytestmark = pytest.mark.elastic

MIDNIGHT = 1_795_478_400 * 10**9 // DAY_NS * DAY_NS
FILE = "ab" * 10


def event(offset: int = 0, *, file: str = FILE, **fields: Any) -> Event:
    event_id = f"{file}{offset:012x}"
    defaults: dict[str, Any] = {
        "timestamp": MIDNIGHT + offset, "observed_timestamp": MIDNIGHT, "service": "orders", "host": "alpha",
        "source": "/var/log/orders.log", "length": 10, "transaction_id": event_id, "transaction_origin": "generated",
    }  # fmt: skip
    return Event(event_id=event_id, offset=offset, **(defaults | fields))


@pytest.fixture
async def store(elastic: Elasticsearch) -> AsyncIterator[ElasticsearchStore]:
    made = ElasticsearchStore.open(elastic_settings(elastic.url))
    yield made
    await made.close()
    await remove_indices(made)


async def fill(store: ElasticsearchStore, events: list[Event], position: int = 1) -> list[Verdict]:
    verdicts = await store.write([Item(position, one) for one in events])
    await store.flush()
    return verdicts


def api(store: ElasticsearchStore, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(method, f"{store.settings.hosts[0]}{path}", json=body, timeout=60)
    assert answer.status_code < 400, answer.text
    return answer.json()


def names(store: ElasticsearchStore) -> Names:
    return Names(store.settings.index_prefix)


class TestMidnight:
    async def test_a_line_without_a_time_read_again_on_another_day_meets_itself(
        self, store: ElasticsearchStore, elastic: Elasticsearch
    ) -> None:
        before = [event(i, timestamp=None, observed_timestamp=MIDNIGHT - 1) for i in range(50)]
        after = [event(i, timestamp=None, observed_timestamp=MIDNIGHT + 3 * DAY_NS) for i in range(60)]
        assert await fill(store, before) == [Verdict.CREATED] * 50
        # Another collector, which remembers nothing.
        other = ElasticsearchStore.open(store.settings)
        assert await fill(other, after) == [Verdict.DUPLICATE] * 50 + [Verdict.CREATED] * 10
        await other.close()
        assert await store.count(ALL) == 60

    async def test_two_collectors_that_read_it_at_once_on_different_days_store_it_once(
        self, store: ElasticsearchStore
    ) -> None:
        other = ElasticsearchStore.open(store.settings)
        await other.prepare()
        for number in range(10):
            file = f"{number:020x}"
            mine = [event(i, file=file, timestamp=None, observed_timestamp=MIDNIGHT - 1) for i in range(50)]
            theirs = [event(i, file=file, timestamp=None, observed_timestamp=MIDNIGHT + 1) for i in range(50)]
            verdicts = await asyncio.gather(fill(store, mine, number + 1), fill(other, theirs, number + 1))
            assert sum(one is Verdict.CREATED for said in verdicts for one in said) == 50
        await other.close()
        assert await store.count(ALL) == 500

    async def test_lines_with_absurd_times_make_no_index_for_each_of_their_days(
        self, store: ElasticsearchStore
    ) -> None:
        dice = random.Random(1)
        times = [dice.choice([dice.randrange(0, 900_000_000), dice.randrange(4_200_000_000, 9_000_000_000)])
                 for _ in range(100)]  # fmt: skip
        events = [event(i, timestamp=at * 10**9) for i, at in enumerate(times)]
        assert await fill(store, events) == [Verdict.CREATED] * 100
        assert len(api(store, "GET", f"/{names(store).all_events}/_settings")) == 1
        assert await store.count(ALL, start=0, end=900_000_000 * 10**9) == sum(at < 900_000_000 for at in times)

    async def test_days_over_the_limit_are_kept_together(self, elastic: Elasticsearch) -> None:
        store = ElasticsearchStore.open(elastic_settings(elastic.url, days_max=3))
        events = [event(i, timestamp=MIDNIGHT + i * DAY_NS) for i in range(10)]
        assert await fill(store, events) == [Verdict.CREATED] * 10
        assert await fill(store, events, 2) == [Verdict.DUPLICATE] * 10
        assert len(api(store, "GET", f"/{names(store).all_events}/_settings")) == 4
        assert await store.count(ALL) == 10
        await store.close()
        await remove_indices(store)


class TestMappings:
    @pytest.mark.timeout(300)
    async def test_conflicting_values_in_all_orders_are_all_kept_and_found_under_their_own_type(
        self, store: ElasticsearchStore
    ) -> None:
        """fluent-bit#3924, elasticsearch#18917: an index's first document decides the type, and others are lost."""
        lines = [b'{"m":"t"}', b'{"m":{"a":1}}', b'{"m":3}', b'{"m":[1,"x"]}']
        forms: list[dict[str, Any]] = [{"m": "t"}, {"m.a": 1}, {"m": 3}, {"m": '[1,"x"]'}]
        events: list[Event] = []
        for number, order in enumerate(itertools.permutations(range(4))):
            # Each order in a day of its own, so that its first document is the first of its index.
            day = [
                event(4 * number + i, timestamp=MIDNIGHT + number * DAY_NS, attributes=forms[k], original=lines[k])
                for i, k in enumerate(order)
            ]
            for one in day:
                assert await fill(store, [one], len(events) + 1) == [Verdict.CREATED]
                events.append(one)
        assert await store.count(ALL) == 96
        for expression, line in [
            (Term("attributes.m", "t"), lines[0]),
            (Range("attributes.m.a", low=1, high=1), lines[1]),
            (Range("attributes.m", low=3, high=3), lines[2]),
            (Term("attributes.m", '[1,"x"]'), lines[3]),
        ]:
            page = await store.search(SearchRequest(expression, limit=100))
            assert [one.original for one in page.events] == [line] * 24
        sources = api(store, "GET", f"/{names(store).all_events}/_search?size=100&_source=original")
        assert sorted(hit["_source"]["original"].encode() for hit in sources["hits"]["hits"]) == sorted(lines * 24)

    async def test_numbers_of_a_key_never_seen_before_compare_as_numbers(self, store: ElasticsearchStore) -> None:
        """Jaeger's RFC 15: `http.status_code >= 400` compared texts, so that 5 was above 400 and "1e3" below."""
        values: list[Any] = [5, 40, 399, 400, 400.5, 1e3, 99_999, "500", "9", True, None, -1]
        await fill(store, [event(i, attributes={"never.seen": value}) for i, value in enumerate(values)])
        page = await store.search(SearchRequest(Range("attributes.never.seen", low=400), order="asc"))
        assert [one.attributes["never.seen"] for one in page.events] == [400, 400.5, 1e3, 99_999]
        assert await store.count(Range("attributes.never.seen", high=40)) == 3


class TestRetention:
    def now(self) -> datetime:
        return datetime.fromtimestamp(MIDNIGHT // 10**9 + 3600, UTC)

    def janitor(self, store: ElasticsearchStore, **limits: Any) -> Janitor:
        connection = connect(store.settings)
        return Janitor(connection, names(store), RetentionSettings(**limits), now=self.now)

    async def test_old_days_go_also_with_two_janitors_at_once(self, store: ElasticsearchStore) -> None:
        days = [event(i, timestamp=MIDNIGHT - i * DAY_NS) for i in range(10)]
        await fill(store, days)
        janitors = [self.janitor(store, age_days_max=3) for _ in range(2)]
        removals = await asyncio.gather(*(janitor.sweep() for janitor in janitors))
        assert removals[0] or removals[1]
        assert await store.count(ALL) == 4
        assert await janitors[0].sweep() == []
        for janitor in janitors:
            await janitor.close()

    async def test_lines_without_a_time_go_by_when_the_youngest_was_read(self, store: ElasticsearchStore) -> None:
        old = [event(i, timestamp=None, observed_timestamp=MIDNIGHT - 9 * DAY_NS) for i in range(3)]
        late = event(5, timestamp=None, observed_timestamp=MIDNIGHT - 2 * DAY_NS)
        other = [event(i, file="cd" * 10, timestamp=None, observed_timestamp=MIDNIGHT - 8 * DAY_NS) for i in range(3)]
        await fill(store, [*old, late, *other])
        janitor = self.janitor(store, age_days_max=3)
        assert [one.name for one in await janitor.sweep()] == [names(store).undated(day_text(MIDNIGHT - 8 * DAY_NS))]
        assert await store.count(ALL) == 4
        api(store, "POST", f"/{names(store).blocks}/_refresh")
        assert api(store, "GET", f"/{names(store).blocks}/_count")["count"] == 1
        await janitor.close()

    async def test_a_block_whose_day_somebody_else_removed_is_met_anew(
        self, store: ElasticsearchStore, elastic: Elasticsearch
    ) -> None:
        """Whoever remembered the day would go on to fill it, and who reads the line again would not find it there."""
        await fill(store, [event(0, timestamp=None, observed_timestamp=MIDNIGHT - 9 * DAY_NS)])
        other = self.janitor(store, age_days_max=3)
        assert len(await other.sweep()) == 1
        await other.close()
        retention = RetentionSettings(age_days_max=3)
        mine = Janitor(connect(store.settings), names(store), retention, now=self.now, keep=store._blocks.keep)
        assert await mine.sweep() == []
        await mine.close()
        late = event(1, timestamp=None, observed_timestamp=MIDNIGHT)
        assert await fill(store, [late], 2) == [Verdict.CREATED]
        again = ElasticsearchStore.open(store.settings)
        assert await fill(again, [late]) == [Verdict.DUPLICATE]
        await again.close()
        assert await store.count(ALL) == 1

    async def test_the_oldest_go_for_the_size_of_all_and_today_stays(self, store: ElasticsearchStore) -> None:
        dice = random.Random(5)
        events = [
            event(100 * day + i, timestamp=MIDNIGHT - day * DAY_NS, body=dice.randbytes(20_000).hex())
            for day in range(3)
            for i in range(30)
        ]
        await fill(store, events)
        api(store, "POST", f"/{names(store).all_events}/_flush")
        janitor = self.janitor(store, size_bytes_max=1 << 20)
        removed = await janitor.sweep()
        assert [one.name for one in removed] == [names(store).dated(day_text(MIDNIGHT - d * DAY_NS)) for d in (2, 1)]
        assert await store.count(ALL) == 30
        await janitor.close()

    async def test_summaries_go_with_the_last_day_that_they_tell_of(self, store: ElasticsearchStore) -> None:
        def of(offset: int, name: str, day: int | None) -> Event:
            return event(
                offset, transaction_id=name, transaction_origin="line",
                timestamp=None if day is None else MIDNIGHT - day * DAY_NS,
                observed_timestamp=MIDNIGHT - (day or 8) * DAY_NS,
            )  # fmt: skip

        await fill(
            store,
            [of(0, "old", 7), of(1, "old", 6), of(2, "both", 7), of(3, "both", 1), of(4, "new", 0), of(5, "un", None)],
        )
        janitors = [self.janitor(store, age_days_max=3) for _ in range(3)]
        swept = await asyncio.gather(*(janitor.sweep() for janitor in janitors))
        assert {one.name for removals in swept for one in removals} == {
            names(store).dated(day_text(MIDNIGHT - 7 * DAY_NS)),
            names(store).dated(day_text(MIDNIGHT - 6 * DAY_NS)),
            names(store).undated(day_text(MIDNIGHT - 8 * DAY_NS)),
        }
        await store.flush()
        api(store, "POST", f"/{names(store).transactions}/_refresh")
        page = await store.transactions(TransactionRequest())
        assert [one.transaction_id for one in page.summaries] == ["new", "both"]
        assert await store.count(Term("transaction_id", "both")) == 1
        # What comes again of a day that is gone is told of again, and goes with it.
        await fill(store, [of(0, "old", 7)], 2)
        assert (await store.transactions(TransactionRequest())).total == 3
        assert len(await janitors[0].sweep()) == 1
        api(store, "POST", f"/{names(store).transactions}/_refresh")
        assert (await store.transactions(TransactionRequest())).total == 2
        for janitor in janitors:
            await janitor.close()

    @pytest.mark.parametrize("kept", ["transactions", "blocks"])
    async def test_what_cannot_be_removed_is_told_and_goes_with_a_later_sweep(
        self, store: ElasticsearchStore, kept: str
    ) -> None:
        await fill(
            store,
            [
                event(0, transaction_id="old", transaction_origin="line", timestamp=MIDNIGHT - 9 * DAY_NS),
                event(1, timestamp=None, observed_timestamp=MIDNIGHT - 9 * DAY_NS),
            ],
        )
        index = getattr(names(store), kept)
        janitor = self.janitor(store, age_days_max=3)
        api(store, "PUT", f"/{index}/_settings", {"index.blocks.write": True})
        with pytest.raises(StoreError, match=r"did not remove .*: 403: .*blocked by"):
            await janitor.sweep()
        api(store, "PUT", f"/{index}/_settings", {"index.blocks.write": None})
        await fill(store, [event(1, timestamp=None, observed_timestamp=MIDNIGHT - 9 * DAY_NS)], 2)
        await janitor.sweep()
        api(store, "POST", f"/{index}/_refresh")
        assert api(store, "GET", f"/{index}/_count")["count"] == 0
        await janitor.close()

    async def test_a_transaction_that_goes_on_while_it_is_forgotten_stays(self, store: ElasticsearchStore) -> None:
        """Every few writes a janitor sweeps: no summary of a day that there is ever goes."""
        janitor = self.janitor(store, age_days_max=3)
        for number in range(15):
            old = event(2 * number, transaction_id=f"t{number}", transaction_origin="line",
                        timestamp=MIDNIGHT - 9 * DAY_NS)  # fmt: skip
            await fill(store, [old], 2 * number + 1)
            new = msgspec.structs.replace(
                old, event_id=f"{FILE}{2 * number + 1:012x}", offset=2 * number + 1, timestamp=MIDNIGHT
            )
            await asyncio.gather(janitor.sweep(), fill(store, [new], 2 * number + 2))
        await janitor.sweep()
        api(store, "POST", f"/{names(store).transactions}/_refresh")
        assert (await store.transactions(TransactionRequest())).total == 15
        await janitor.close()


def day_text(time: int) -> str:
    return datetime.fromtimestamp(time // 10**9, UTC).strftime("%Y.%m.%d")


class TestTrouble:
    async def test_a_read_only_index_loses_nothing_and_the_reason_is_told(self, elastic: Elasticsearch) -> None:
        settings = elastic_settings(elastic.url, attempts_max=2, retry_wait_s_min=0.01)
        store = ElasticsearchStore.open(settings)
        await fill(store, [event(0)])
        index = names(store).dated(day_text(MIDNIGHT))
        api(store, "PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": True})
        with pytest.raises(StoreError, match=r"did not take 1 of 1 events.*blocked by"):
            await store.write([Item(2, event(1))])
        connection = connect(settings)
        worst = judge(await gather(connection, names(store)), settings)[0]
        await connection.close()
        assert (worst.level, worst.subject) == (Level.ERROR, "blocks")
        api(store, "PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": None})
        assert await fill(store, [event(1)], 2) == [Verdict.CREATED]
        await store.close()
        await remove_indices(store)

    async def test_an_index_on_no_node_is_told_also_where_nothing_is_written(self, store: ElasticsearchStore) -> None:
        await fill(store, [event(0)])
        assert await store.problem() is None
        nowhere = {"index.routing.allocation.require._name": "nobody", "index.number_of_replicas": 0}
        lost = names(store).dated(day_text(MIDNIGHT - DAY_NS))
        api(store, "PUT", f"/{lost}?wait_for_active_shards=0&timeout=1s", {"settings": nowhere})
        told = await store.problem()
        assert told is not None
        assert f"red: 1 shards of {lost} are on no node" in told

    async def test_an_index_that_somebody_else_made_is_left_alone(self, store: ElasticsearchStore) -> None:
        index = f"{store.settings.index_prefix}-events-mine"
        api(store, "PUT", f"/{index}", {"settings": {"number_of_replicas": 0}})
        with pytest.raises(StoreError, match=f"{index} was not made by Clew"):
            await store.write([Item(1, event(0))])
        assert list(api(store, "GET", f"/{store.settings.index_prefix}-*/_settings")) == [index]

    async def test_an_index_is_made_where_the_cluster_makes_none_by_itself(self, store: ElasticsearchStore) -> None:
        await store.prepare()
        api(
            store,
            "PUT",
            "/_cluster/settings",
            {"persistent": {"action.auto_create_index": f"-{store.settings.index_prefix}-*,+*"}},
        )
        try:
            assert await fill(store, [event(0), event(1, timestamp=None)]) == [Verdict.CREATED] * 2
        finally:
            api(store, "PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": None}})
        (mapping, *_others) = api(store, "GET", f"/{names(store).all_events}/_mapping").values()
        assert mapping["mappings"]["_meta"]["made_by"] == "clew"

    async def test_nobody_there_is_an_error_with_a_hint_and_no_crash(self) -> None:
        store = ElasticsearchStore.open(elastic_settings("http://127.0.0.1:1", attempts_max=1), account="x")
        with pytest.raises(StoreError, match="does not answer") as failure:
            await store.write([Item(1, event(0))])
        assert failure.value.hint
        await store.close()

    async def test_the_doctor_speaks_to_the_real_one(self, store: ElasticsearchStore, tmp_path: Any) -> None:
        await fill(store, [event(0)])
        config = tmp_path / "collector.yaml"
        section: dict[str, Any] = {"hosts": list(store.settings.hosts), "index_prefix": store.settings.index_prefix}
        config.write_text(
            json.dumps({"data": str(tmp_path), "store": {"elasticsearch": section | {"replicas_initial": 0}}})
        )
        result = await asyncio.to_thread(CliRunner().invoke, doctor, ["--config", str(config), "--json"])
        findings = {one["subject"]: one for one in msgspec.json.decode(result.stdout)}
        assert result.exit_code == 0, result.output
        assert findings["version"]["level"] == findings["names"]["level"] == "fine"
        assert findings["copies"]["level"] == "warning"
