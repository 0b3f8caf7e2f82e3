"""Random events and random questions: every store gives the same answers as the one in memory."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deploy.engines import Elasticsearch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.elastic_stores import elastic_store, remove_indices

from clew_collector.event import Event, Link
from clew_collector.store.embedded import EmbeddedStore
from clew_collector.store.expression import (
    ALL,
    And,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    Prefix,
    Range,
    Term,
    Wildcard,
    tokens,
)
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import Cursor, Item, SearchRequest, Store

SECOND = 1_000_000_000
BASE = 1_795_478_400 * SECOND
FILES = ["ab" * 10, "ab" * 9 + "ac", "00" * 10, "ff" * 10]
RECORDS = "ab" * 9 + "ad"  # events from no file

# Few values, so that questions meet events; some with what engines trip over. Characters that the newest Unicode has
# assigned are left out (Cn), as the engine and Python may know different versions of it.
odd_text = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=8)
words = st.sampled_from(
    ["a", "B", "ab", "Ab", "İ", "ΟΔΟΣ", "é", "e\u0301", "x_y", "a-b", "4", "日本", "ß", "²", "Ⅷ", "ǅ"]
)
texts = st.one_of(st.lists(words, max_size=4).map(" ".join), words, words, odd_text)
keywords = st.one_of(st.sampled_from(["", "a", "A", "ab", "a*b", "a.b", "b", "é", "\0", "a\nb"]), odd_text)
near_times = st.sampled_from([BASE, BASE + 1, BASE + SECOND])  # ties, mostly
times = st.one_of(near_times, near_times, st.integers(BASE - 600, BASE + 600), st.integers(-(2**63), 2**63 - 1))
numbers = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, -0.0, 1e300, -1e300, 2**53 + 1, 2**62]), st.floats(allow_nan=True)
)
keys = st.one_of(st.sampled_from(["k", "k.l", "k=a", "", "k\0", "\1"]), odd_text)
attributes = st.dictionaries(keys, st.one_of(texts, numbers, st.booleans(), st.none()), max_size=3)
ids = st.sampled_from(["", "0af7651916cd43dd8448eb211c80319c", "0af7", "order-1", "f" * 32, "\0", "é"])


@st.composite
def events(draw: Any) -> Event:
    offset = draw(st.integers(0, 40))
    file = draw(st.sampled_from([*FILES, RECORDS]))
    event_id = f"{file}{offset:012x}"
    generated = draw(st.booleans())
    return Event(
        event_id=event_id,
        timestamp=draw(st.one_of(st.none(), times)),
        observed_timestamp=draw(times),
        severity_number=draw(st.integers(0, 24)),
        severity_text=draw(keywords),
        service=draw(keywords),
        instance=draw(keywords),
        host=draw(keywords),
        source="" if file == RECORDS else draw(keywords.filter(bool)),
        offset=offset,
        length=draw(st.integers(0, 2**40)),
        transaction_id=event_id if generated else draw(ids),
        transaction_origin="generated" if generated else draw(st.sampled_from(["line", "alias", "generated"])),
        aliases=tuple(draw(st.lists(ids, max_size=2))),
        span_id=draw(ids),
        parent_span_id=draw(ids),
        duration=draw(st.one_of(st.none(), st.integers(0, 3))),
        kind=draw(st.sampled_from(["", "server", "client"])),
        status=draw(st.sampled_from(["", "error"])),
        links=tuple(draw(st.lists(st.builds(Link, ids, ids), max_size=2))),
        body=draw(texts),
        attributes=draw(attributes),
        original=draw(st.binary(max_size=8)),
    )


event_id_texts = st.one_of(
    st.builds(lambda file, offset: f"{file}{offset:012x}", st.sampled_from([*FILES, RECORDS]), st.integers(0, 40)),
    st.builds(lambda file, cut: (file + "0" * 12)[:cut], st.sampled_from(FILES), st.integers(0, 32)),
)
keyword_fields = st.one_of(
    st.sampled_from(
        [
            "service",
            "severity_text",
            "ids",
            "transaction_id",
            "span_id",
            "event_id",
            "transaction_origin",
            "kind",
            "status",
            "links",
            "unknown",
        ]
    ),
    keys.map("attributes.{}".format),
)
number_fields = st.sampled_from(
    ["severity_number", "offset", "length", "timestamp", "observed_timestamp", "time", "duration"]
)
values = st.one_of(keywords, texts, ids, event_id_texts, st.integers(-3, 40).map(str), times.map(str))
patterns = st.lists(
    st.one_of(st.sampled_from(["*", "?", "a", "b", "A", "\\*", "\\", "é", "0", "f"]), values), max_size=4
)
bounds = st.one_of(st.none(), values, numbers, times)
fields = st.one_of(st.none(), st.just("body"), keyword_fields, number_fields)
leaves = st.one_of(
    st.just(ALL),
    st.builds(Term, st.sampled_from([None, "body"]), words),
    st.builds(Term, fields, values),
    st.builds(Phrase, st.sampled_from([None, "body", "service"]), texts.map(lambda text: tuple(tokens(text)))),
    st.builds(Prefix, st.one_of(st.none(), st.just("body"), keyword_fields), values),
    st.builds(Wildcard, st.one_of(st.none(), st.just("body"), keyword_fields), patterns.map("".join)),
    st.builds(Range, st.one_of(keyword_fields, number_fields), bounds, bounds, st.booleans(), st.booleans()),
    st.builds(Exists, st.one_of(st.just("body"), keyword_fields, number_fields)),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=5,
)


async def answers(store: Store, batches: list[list[Event]], questions: list[tuple[Expression, SearchRequest]]) -> Any:
    """Everything that a store says about the same events."""
    said: list[Any] = []
    for position, batch in enumerate(batches, 1):
        said.append(await store.write([Item(position, one) for one in batch]))
        await store.flush()
    for expression, request in questions:
        page = await store.search(request)
        said.append((expression, [one.event_id for one in page.events], page.total, page.cursor))
        said.append(await store.count(expression))
        for start, interval in ((BASE - 500, 251), (BASE, SECOND)):
            buckets = await store.histogram(expression, start=start, end=start + 4 * interval, interval=interval)
            said.append([(bucket.start, sorted(bucket.counts.items())) for bucket in buckets])
        said.append(await store.facet(expression, "service"))
        said.append(await store.facet(expression, "attributes.k"))
        said.append(await store.facet(expression, "transaction_id"))
    said += [await store.files(), await store.time_bounds(), await store.transaction_ids(limit=3)]
    # Encoded, as what is not a number is not equal to itself.
    said += [msgspec.msgpack.encode(await store.get(one.event_id)) for batch in batches for one in batch]
    await store.close()
    return said


questions = st.lists(
    st.tuples(
        expressions,
        st.sampled_from(["asc", "desc"]),
        st.integers(0, 8),
        st.one_of(st.none(), st.builds(Cursor, times, st.one_of(event_id_texts, odd_text))),
        st.one_of(st.none(), times),
        st.one_of(st.none(), times),
    ).map(
        lambda q: (q[0], SearchRequest(q[0], order=q[1], limit=q[2], after=q[3], start=q[4], end=q[5]))  # type: ignore[arg-type]
    ),
    min_size=10,
    max_size=30,
)


def of_one_record_each(batches: list[list[Event]]) -> list[list[Event]]:
    """The same with one time for all events of an id that is of no file: it is looked for only near its time."""
    says: dict[str, tuple[int | None, int]] = {}
    return [
        [
            one if one.file_id else _at(one, *says.setdefault(one.event_id, (one.timestamp, one.observed_timestamp)))
            for one in batch
        ]
        for batch in batches
    ]


def _at(event: Event, timestamp: int | None, observed: int) -> Event:
    return msgspec.structs.replace(event, timestamp=timestamp, observed_timestamp=observed)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.lists(events(), min_size=10, max_size=30), min_size=2, max_size=3), questions)
def test_both_stores_give_the_same_answers(
    batches: list[list[Event]], asked: list[tuple[Expression, SearchRequest]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        embedded = EmbeddedStore.open(Path(directory), writable=True)
        told = of_one_record_each(batches)
        assert asyncio.run(answers(embedded, told, asked)) == asyncio.run(answers(MemoryStore(), told, asked))


def of_one_line_each(batches: list[list[Event]]) -> list[list[Event]]:
    """The same with one time, or none, for all events of an id: a line says the same whenever it is read.

    When it is read, and so the `time` of a line that has none, may differ.
    """
    says: dict[str, int | None] = {}
    return [
        [msgspec.structs.replace(one, timestamp=says.setdefault(one.event_id, one.timestamp)) for one in batch]
        for batch in batches
    ]


@pytest.mark.elastic
@pytest.mark.timeout(600)
def test_elasticsearch_gives_the_same_answers(elastic: Elasticsearch) -> None:
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # each try makes indices, so that shrinking would take longer than all other tests
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(st.lists(events(), min_size=10, max_size=30), min_size=2, max_size=3), questions)
    def check(batches: list[list[Event]], asked: list[tuple[Expression, SearchRequest]]) -> None:
        lines = of_one_line_each(batches)
        store = elastic_store(elastic.url)
        try:
            said = asyncio.run(answers(store, lines, asked))
        finally:
            asyncio.run(remove_indices(store))
        expected = asyncio.run(answers(MemoryStore(), lines, asked))
        differing = [(mine, other) for mine, other in zip(said, expected, strict=True) if mine != other]
        assert differing == []

    check()
