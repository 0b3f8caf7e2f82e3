"""One suite over every store: what `clew_collector.store.protocol` promises."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.elastic_stores import elastic_store, remove_indices

from clew_collector.errors import StoreError
from clew_collector.event import Event, Link
from clew_collector.store.elasticsearch import ElasticsearchStore
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
)
from clew_collector.store.limits import HISTOGRAM_BUCKETS_MAX
from clew_collector.store.matching import matches
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import (
    LIMIT_MAX,
    Bucket,
    Cursor,
    FacetValue,
    Item,
    SearchRequest,
    Store,
    StoredFile,
    TransactionCursor,
    TransactionPage,
    TransactionRequest,
    Verdict,
)
from clew_collector.store.summary import Root, Summary

# 2026-11-24, of no whole second, so that it is no double either.
NOW = 1_795_478_400_123_456_789
FILE, OTHER_FILE = "ab" * 10, "ab" * 8 + "cd" * 2
TRACE = "0af7651916cd43dd8448eb211c80319c"
LINKED = "5b8efff798038103d269b633813fc60c"
RECORD = "fe" * 10


@pytest.fixture(params=["memory", "embedded", pytest.param("elastic", marks=pytest.mark.elastic)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "embedded":
        made = EmbeddedStore.open(tmp_path, writable=True)
    else:
        made = elastic_store(request.getfixturevalue("elastic").url)
    yield made
    await made.close()
    if isinstance(made, ElasticsearchStore):
        await remove_indices(made)


def event(offset: int = 0, *, file: str = FILE, **fields: Any) -> Event:
    event_id = f"{file}{offset:012x}"
    defaults = {
        "timestamp": NOW + offset,
        "observed_timestamp": NOW,
        "service": "orders",
        "host": "alpha",
        "source": "/var/log/orders.log",
        "length": 10,
        "transaction_id": event_id,
        "transaction_origin": "generated",
        "body": f"line {offset}",
    }
    return Event(event_id=event_id, offset=offset, **(defaults | fields))


async def fill(store: Store, events: Iterable[Event], position: int = 1) -> list[Verdict]:
    verdicts = await store.write([Item(position, one) for one in events])
    await store.flush()
    return verdicts


async def found(store: Store, expression: Expression, **request: Any) -> list[int]:
    page = await store.search(SearchRequest(expression, order="asc", limit=LIMIT_MAX, **request))
    assert page.total == len(page.events) == await store.count(expression, request.get("start"), request.get("end"))
    return [one.offset for one in page.events]


async def pages(store: Store, order: Any, limit: int, expression: Expression = ALL) -> list[Event]:
    events: list[Event] = []
    request = SearchRequest(expression, order=order, limit=limit)
    while True:
        page = await store.search(request)
        events += page.events
        if page.cursor is None:
            return events
        request = SearchRequest(expression, order=order, limit=limit, after=page.cursor)


RICH = [
    event(
        0,
        severity_number=17,
        severity_text="ERROR",
        instance="orders-1",
        transaction_id=TRACE,
        transaction_origin="line",
        span_id="b7ad6b7169203331",
        body="Payment of Order 4711 FAILED: card-declined (code=51)",
        attributes={"http.status": 502, "user": "Ann Smith", "took": 1.5, "ok": False, "nothing": None, "empty": ""},
    ),
    event(
        10,
        severity_number=9,
        severity_text="info",
        service="Orders",
        host="beta",
        transaction_id=TRACE,
        transaction_origin="alias",
        aliases=("order-4711", "REQ*7"),
        parent_span_id="b7ad6b7169203331",
        body="order 4711 payment retried",
        attributes={"http.status": 200, "user": "ann smith", "took": -0.0, "ok": True, "a=b": "c", "odd.key!": "x.y*z"},
    ),
    event(20, timestamp=None, body="", attributes={"http.status": "502", "took": -3, "note": "zwei\nZeilen"}),
    event(30, severity_number=13, severity_text="WARN", source="/var/log/a b.log",
          body="Straße ÜBER İstanbul ΟΔΟΣ 日本語"),
    event(40, body="word " + "x" * 5000 + " after", attributes={"big": 2**60, "huge": 1e300, "nan": math.nan}),
    event(50, file=OTHER_FILE, service="billing", body="under_score café naïve"),
]  # fmt: skip

QUESTIONS: dict[str, tuple[Expression, list[int]]] = {
    "all": (ALL, [0, 10, 20, 30, 40, 50]),
    "keyword": (Term("service", "orders"), [0, 20, 30, 40]),
    "keyword of another case": (Term("service", "ORDERS"), []),
    "keyword with a space": (Term("source", "/var/log/a b.log"), [30]),
    "empty keyword": (Term("instance", ""), []),
    "unknown field": (Term("colour", "red"), []),
    "severity text": (Term("severity_text", "info"), [10]),
    "origin": (Term("transaction_origin", "alias"), [10]),
    "transaction id": (Term("transaction_id", TRACE), [0, 10]),
    "generated transaction id": (Term("transaction_id", f"{FILE}{20:012x}"), [20]),
    "event id": (Term("event_id", f"{FILE}{0:012x}"), [0]),
    "not an event id": (Term("event_id", "zz"), []),
    "span id": (Term("span_id", "b7ad6b7169203331"), [0]),
    "any id by a span": (Term("ids", "b7ad6b7169203331"), [0, 10]),
    "any id by an alias": (Term("ids", "order-4711"), [10]),
    "any id generated": (Term("ids", f"{FILE}{30:012x}"), [30]),
    "an event id is no id of a stamped line": (Term("ids", f"{FILE}{0:012x}"), []),
    "ids by prefix": (Prefix("ids", "0af7"), [0, 10]),
    "generated ids by prefix": (Prefix("ids", "abababababababababab"), [20, 30, 40]),
    "event ids by prefix": (Prefix("event_id", FILE[:17]), [0, 10, 20, 30, 40]),
    "event ids of a file, in a range": (
        Range("event_id", f"{FILE}{10:012x}", f"{FILE}{30:012x}", include_high=False),
        [10, 20],
    ),
    "event ids over files": (Range("event_id", f"{FILE}{20:012x}", f"{OTHER_FILE}{50:012x}"), [20, 30, 40, 50]),
    "event ids from a text that is none": (Range("event_id", "abababababababababac", None), [50]),
    "event ids up to a text that is none": (Range("event_id", None, "abababababababababab0"), []),
    "generated ids answer no wildcard": (Wildcard("ids", "abab*"), []),
    "stamped ids answer a wildcard": (Wildcard("ids", "0af?651*9c"), [0, 10]),
    "wildcard character taken literally": (Wildcard("ids", r"REQ\*7"), [10]),
    "wildcard that is none": (Wildcard("ids", r"REQ\?7"), []),
    "keyword wildcard": (Wildcard("service", "*ders"), [0, 10, 20, 30, 40]),
    "keyword wildcard of another case": (Wildcard("service", "O*"), [10]),
    "keyword prefix": (Prefix("severity_text", "W"), [30]),
    "empty prefix is existence": (Prefix("severity_text", ""), [0, 10, 30]),
    "keyword range": (Range("service", "O", "orders"), [0, 10, 20, 30, 40, 50]),
    "keyword range without its ends": (
        Range("service", "Orders", "orders", include_low=False, include_high=False),
        [50],
    ),
    "keyword range by code point": (Range("severity_text", "X", None), [10]),
    "keyword exists": (Exists("severity_text"), [0, 10, 30]),
    "ids always exist": (Exists("ids"), [0, 10, 20, 30, 40, 50]),
    "body exists": (Exists("body"), [0, 10, 30, 40, 50]),
    "timestamp exists": (Exists("timestamp"), [0, 10, 30, 40, 50]),
    "attribute exists": (Exists("attributes.ok"), [0, 10]),
    "null is no value": (Exists("attributes.nothing"), []),
    "empty is no value": (Exists("attributes.empty"), []),
    "token": (Term("body", "failed"), [0]),
    "token in capitals": (Term("body", "PAYMENT"), [0, 10]),
    "token is a whole word": (Term("body", "pay"), []),
    "token between punctuation": (Term("body", "51"), [0]),
    "value of two tokens": (Term("body", "card-declined"), [0]),
    "value without a token": (Term("body", "--"), []),
    "underscore parts tokens": (Term("body", "score"), [50]),
    "accents are letters": (Term("body", "CAFÉ"), [50]),
    "sharp s": (Term("body", "straße"), [30]),
    "dotted capital i": (Term("body", "İstanbul"), [30]),
    "final sigma": (Term("body", "ΟΔΟΣ"), [30]),
    "Japanese run": (Term("body", "日本語"), [30]),
    "phrase": (Phrase("body", ("order", "4711")), [0, 10]),
    "phrase in another order": (Phrase("body", ("4711", "order")), []),
    "phrase without tokens": (Phrase("body", ()), []),
    "phrase around a long token": (Phrase("body", ("word", "x" * 5000, "after")), [40]),
    "long token": (Term("body", "x" * 5000), [40]),
    "token prefix": (Prefix("body", "Retr"), [10]),
    "token wildcard": (Wildcard("body", "fail?d"), [0]),
    "token wildcard in capitals": (Wildcard("body", "DECL*D"), [0]),
    "default finds the body": (Term(None, "declined"), [0]),
    "default finds a value": (Term(None, "smith"), [0, 10]),
    "default finds a number's text": (Term(None, "502"), [0, 20]),
    "default finds a truth": (Term(None, "false"), [0]),
    "default finds no null": (Term(None, "null"), []),
    "default finds an id whole": (Term(None, "REQ*7"), [10]),
    "default phrase in a value": (Phrase(None, ("ann", "smith")), [0, 10]),
    "default phrase within one value only": (Phrase(None, ("200", "ann")), []),
    "default prefix": (Prefix(None, "zwe"), [20]),
    "default wildcard": (Wildcard(None, "z*len"), [20]),
    "attribute": (Term("attributes.user", "Ann Smith"), [0]),
    "attribute with a dot": (Term("attributes.http.status", "502"), [0, 20]),
    "attribute float": (Term("attributes.took", "1.5"), [0]),
    "attribute truth": (Term("attributes.ok", "true"), [10]),
    "attribute null": (Term("attributes.nothing", "null"), []),
    "attribute key with an equals sign": (Term("attributes.a=b", "c"), [10]),
    "attribute key without the equals sign": (Term("attributes.a", "b=c"), []),
    "attribute prefix": (Prefix("attributes.user", "ann"), [10]),
    "attribute wildcard over characters of patterns": (Wildcard("attributes.odd.key!", r"x.y\*?"), [10]),
    "attribute wildcard over lines": (Wildcard("attributes.note", "zwei*Zeilen"), [20]),
    "attribute text range": (Range("attributes.user", "B", None), [10]),
    "number range leaves text out": (Range("attributes.http.status", low=500), [0]),
    "number range with a high end": (Range("attributes.http.status", high=200), [10]),
    "number range without its end": (Range("attributes.http.status", high=200, include_high=False), []),
    "negative numbers": (Range("attributes.took", low=-3, high=-1), [20]),
    "zero has one sign": (Range("attributes.took", low=0.0, high=0), [10]),
    "below zero": (Range("attributes.took", high=0, include_high=False), [20]),
    "big integers are doubles": (Range("attributes.big", low=2**60 - 1), [40]),
    "up to infinity": (Range("attributes.huge", low=1e299, high=math.inf), [40]),
    "no number is not a number": (Range("attributes.nan", low=-math.inf), []),
    "severity": (Term("severity_number", "17"), [0]),
    "severity as a float": (Term("severity_number", "17.0"), [0]),
    "severity that is no number": (Term("severity_number", "high"), []),
    "severity range": (Range("severity_number", low=13), [0, 30]),
    "severity between": (Range("severity_number", low=9, high=17, include_low=False, include_high=False), [30]),
    "severity by fractions": (Range("severity_number", low=8.5, high=16.9), [10, 30]),
    "severity by text": (Range("severity_number", low="13", high="17"), [0, 30]),
    "severity by infinity": (Range("severity_number", low=-math.inf, high=math.inf), [0, 10, 20, 30, 40, 50]),
    "severity above all": (Range("severity_number", low=math.inf), []),
    "offset": (Range("offset", low=20, high=30), [20, 30]),
    "length": (Term("length", "10"), [0, 10, 20, 30, 40, 50]),
    "negative offset": (Range("offset", high=-1), []),
    "time to the nanosecond": (Range("time", low=NOW + 10, high=NOW + 30), [10, 30]),
    "time without a timestamp": (Term("time", str(NOW)), [0, 20]),
    "timestamp": (Term("timestamp", str(NOW)), [0]),
    "observed": (Range("observed_timestamp", low=NOW, high=NOW), [0, 10, 20, 30, 40, 50]),
    "and": (And((Term("body", "order"), Term("severity_number", "9"))), [10]),
    "or": (Or((Term("body", "failed"), Term("service", "billing"))), [0, 50]),
    "not": (Not(Term("service", "orders")), [10, 50]),
    "not of nothing": (Not(Term("service", "none")), [0, 10, 20, 30, 40, 50]),
    "nested": (And((Not(Exists("severity_text")), Or((Term(None, "502"), Prefix("body", "un"))))), [20, 50]),
    "only negations": (And((Not(Term("host", "beta")), Not(Exists("attributes.took")))), [30, 40, 50]),
}  # fmt: skip


class TestQuestions:
    @pytest.fixture
    async def rich(self, store: Store) -> Store:
        assert await fill(store, RICH) == [Verdict.CREATED] * len(RICH)
        return store

    async def test_every_expression_on_every_kind_of_field(self, rich: Store) -> None:
        """One test for all, as filling a store takes longer than asking it; the names of those that fail are shown."""
        wrong = {}
        for name, (expression, offsets) in QUESTIONS.items():
            got = await found(rich, expression)
            if sorted(got) != offsets:
                wrong[name] = got
        assert wrong == {}

    async def test_matching_says_the_same_of_one_event(self) -> None:
        wrong = [
            name
            for name, (expression, offsets) in QUESTIONS.items()
            if [one.offset for one in RICH if matches(expression, one)] != offsets
        ]
        assert wrong == []

    async def test_what_is_found_is_the_whole_event(self, rich: Store) -> None:
        page = await rich.search(SearchRequest(Term("ids", TRACE), order="asc"))
        assert page.events == (RICH[0], RICH[1])

    async def test_a_range_of_time_has_its_start_and_not_its_end(self, rich: Store) -> None:
        assert await found(rich, ALL, start=NOW + 10, end=NOW + 30) == [10]
        assert await found(rich, ALL, start=NOW + 10, end=NOW + 10) == []
        assert await found(rich, ALL, end=NOW + 1) == [0, 20]

    async def test_a_pattern_of_any_size_is_answered(self, rich: Store) -> None:
        assert await found(rich, Wildcard("body", "*".join("failed"))) == [0]
        assert await found(rich, Wildcard("body", "*" + "?" * 900 + "*")) == [40]
        assert await found(rich, Wildcard("body", "?" * 4096 + "*a*b*c*d*e*f*g*h*i*j*" * 20)) == []
        assert await found(rich, Prefix("attributes.user", "Ann" + "x" * 5000)) == []
        assert await found(rich, Prefix("body", "x" * 1000)) == [40]


SPANS = [
    event(50),
    event(60, file=RECORD, source="", body="GET /pay", duration=1_500_000_000, kind="server", status="error",
          links=(Link(LINKED, "b7ad6b7169203331"), Link(LINKED, "1" * 16))),
    event(70, file=RECORD, source="", body="flush", duration=0, kind="internal"),
]  # fmt: skip

SPAN_QUESTIONS: dict[str, tuple[Expression, list[int]]] = {
    "duration": (Term("duration", "1500000000"), [60]),
    "duration of nothing is a duration": (Range("duration", low=0), [60, 70]),
    "duration range without its ends": (
        Range("duration", low=0, high=1_500_000_000, include_low=False, include_high=False),
        [],
    ),
    "lines have no duration": (Range("duration", low=-math.inf, high=math.inf), [60, 70]),
    "duration exists": (Exists("duration"), [60, 70]),
    "kind": (Term("kind", "server"), [60]),
    "kind exists": (Exists("kind"), [60, 70]),
    "status": (Prefix("status", "err"), [60]),
    "links": (Term("links", LINKED), [60]),
    "a link's span is no name of its own": (Term("ids", "1" * 16), []),
    "an event from no file, by its id": (Term("event_id", f"{RECORD}{60:012x}"), [60]),
    "events from no file, by prefix": (Prefix("event_id", RECORD), [60, 70]),
    "events from no file have no source": (Not(Exists("source")), [60, 70]),
}


class TestSpans:
    async def test_are_asked_for_by_what_only_they_have(self, store: Store) -> None:
        await fill(store, SPANS)
        wrong = {}
        for name, (expression, offsets) in SPAN_QUESTIONS.items():
            got = await found(store, expression)
            if sorted(got) != offsets or [one.offset for one in SPANS if matches(expression, one)] != offsets:
                wrong[name] = got
        assert wrong == {}

    async def test_come_back_whole(self, store: Store) -> None:
        await fill(store, SPANS)
        assert [await store.get(one.event_id) for one in SPANS] == SPANS

    async def test_from_no_file_are_known_by_their_id_whatever_their_order(self, store: Store) -> None:
        ids = random.Random(1).sample(range(1 << 40), 40)
        spans = [event(i, file=RECORD, source="", timestamp=NOW + i) for i in ids]
        assert await fill(store, [*spans[:20], *spans[:5]]) == [Verdict.CREATED] * 20 + [Verdict.DUPLICATE] * 5
        verdicts = await fill(store, spans, position=2)
        assert verdicts == [Verdict.DUPLICATE] * 20 + [Verdict.CREATED] * 20
        assert await store.count(ALL) == 40

    async def test_from_no_file_are_in_no_files_account(self, store: Store) -> None:
        await fill(store, SPANS)
        assert [(one.file_id, one.events) for one in await store.files()] == [(FILE, 1)]


def part(transaction: str, offset: int, service: str, **fields: Any) -> Event:
    return event(offset, service=service, transaction_id=transaction, transaction_origin="line", **fields)


A, B, C = ("aa" * 16, "bb" * 16, "cc" * 16)
TRANSACTIONS = [
    part(A, 0, "front", timestamp=NOW),
    part(A, 1, "orders", timestamp=NOW + 3, severity_number=9),
    part(A, 2, "front", timestamp=NOW + 7, severity_number=17),
    part(B, 3, "orders", timestamp=NOW + 3, severity_number=13, duration=5_000, parent_span_id="1" * 16, body="GET /b"),
    part(B, 4, "gate", timestamp=NOW + 4, duration=2, kind="server", body="GET /a"),
    part(C, 5, "front", timestamp=NOW + 3),
    part(C, 6, "billing", timestamp=NOW + 1_000_003),
    event(7),
]  # fmt: skip
TRANSACTION_QUESTIONS: dict[str, tuple[Expression, str]] = {
    "all": (ALL, "ABC"),
    "any service": (Term("service", "orders"), "AB"),
    "two services": (And((Term("service", "orders"), Term("service", "front"))), "A"),
    "service by prefix": (Prefix("service", "o"), "AB"),
    "part of a service's name": (Term("service", "order"), ""),
    "service by wildcard": (Wildcard("service", "*ing"), "C"),
    "root": (Term("root", "front"), "AC"),
    "root is the span without a parent": (Term("root", "gate"), "B"),
    "name of the root span": (Prefix("name", "GET"), "B"),
    "highest severity": (Range("severity_number", low=17), "A"),
    "severity between": (Range("severity_number", low=9, high=17, include_low=False, include_high=False), "B"),
    "no severity": (Term("severity_number", "0"), "C"),
    "duration": (Range("duration", low=5_000), "BC"),
    "duration by a fraction, open": (Range("duration", low=6.5, high=math.inf, include_low=False), "ABC"),
    "duration exactly": (Term("duration", "7"), "A"),
    "duration beyond all": (Range("duration", low=2**64), ""),
    "duration below all": (Range("duration", high=-math.inf), ""),
    "begin": (Range("time", low=NOW + 3), "BC"),
    "end": (Range("end", high=NOW + 7), "A"),
    "id": (Term("transaction_id", B), "B"),
    "ids by prefix": (Prefix("transaction_id", "a"), "A"),
    "ids in a range": (Range("transaction_id", A, B, include_low=False), "B"),
    "or": (Or((Term("root", "gate"), Range("severity_number", low=17))), "AB"),
    "not": (Not(Term("service", "front")), "B"),
    "exists": (Exists("name"), "B"),
    "separators in a value": (Term("service", "front\x1forders"), ""),
}


class TestTransactions:
    async def test_are_summed_up_over_flushes_and_redelivery(self, store: Store) -> None:
        await fill(store, TRANSACTIONS[::2])
        await fill(store, [*TRANSACTIONS, *TRANSACTIONS], position=2)
        page = await store.transactions(TransactionRequest(order="asc"))
        place = f"{FILE}{0:012x}"
        assert page.summaries[0] == Summary(A, NOW, NOW + 7, 17, ("front", "orders"), Root(1, NOW, place, "front", ""))
        assert page.summaries[1].root == Root(0, NOW + 4, f"{FILE}{4:012x}", "gate", "GET /a")
        assert [(one.start - NOW, one.end - NOW) for one in page.summaries] == [(0, 7), (3, 5_003), (3, 1_000_003)]

    async def test_are_found_by_every_question(self, store: Store) -> None:
        await fill(store, TRANSACTIONS)
        wrong = {}
        for name, (expression, letters) in TRANSACTION_QUESTIONS.items():
            page = await store.transactions(TransactionRequest(expression, order="asc"))
            got = "".join({A: "A", B: "B", C: "C"}[one.transaction_id] for one in page.summaries)
            if got != letters or page.total != len(letters):
                wrong[name] = got
        assert wrong == {}

    async def test_a_range_of_time_is_about_their_begin(self, store: Store) -> None:
        await fill(store, TRANSACTIONS)
        page = await store.transactions(TransactionRequest(start=NOW, end=NOW + 3))
        assert [one.transaction_id for one in page.summaries] == [A]

    async def test_without_a_flush_are_not_there(self, store: Store) -> None:
        await store.write([Item(1, one) for one in TRANSACTIONS])
        assert await store.transactions(TransactionRequest()) == TransactionPage((), 0, None)

    @pytest.mark.parametrize("expression", [ALL, Not(Term("service", "none"))])
    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_pages_join_without_gap_or_double_over_ties(
        self, store: Store, order: Any, expression: Expression
    ) -> None:
        rng = random.Random(4)
        ids = [f"{rng.getrandbits(128):032x}" for _ in range(40)]
        await fill(store, (part(name, i, "s", timestamp=NOW + i % 3) for i, name in enumerate(ids)))
        got: list[TransactionCursor] = []
        request = TransactionRequest(expression, order=order, limit=7)
        while True:
            page = await store.transactions(request)
            assert page.total == 40
            got += [TransactionCursor(one.start, one.transaction_id) for one in page.summaries]
            if page.cursor is None:
                break
            request = TransactionRequest(expression, order=order, limit=7, after=page.cursor)
        expected = sorted((TransactionCursor(NOW + i % 3, name) for i, name in enumerate(ids)), reverse=order == "desc")
        assert got == expected

    @pytest.mark.parametrize("field", ["body", "host", "attributes.x", "kind", None])
    async def test_asked_by_what_they_have_not_are_refused(self, store: Store, field: str | None) -> None:
        with pytest.raises(StoreError):
            await store.transactions(TransactionRequest(Or((ALL, Term(field, "x")))))


class TestOrder:
    @pytest.mark.parametrize("count", [10_000, 100_000])
    async def test_equal_times_come_in_file_order_and_exactly_reversed(self, store: Store, count: int) -> None:
        if isinstance(store, MemoryStore):
            count = min(count, 10_000)  # it sorts everything for each page
        shuffled = list(range(count))
        random.Random(7).shuffle(shuffled)
        limit = 100 if count <= 10_000 else 10_000
        if isinstance(store, MemoryStore):
            limit = 1_000
        await fill(store, (event(offset, timestamp=NOW) for offset in shuffled))
        ascending = [one.offset for one in await pages(store, "asc", limit)]
        assert ascending == list(range(count))
        descending = [one.offset for one in await pages(store, "desc", limit)]
        assert descending == ascending[::-1]

    async def test_small_pages_within_a_nanosecond_of_100_000_events(self, store: Store) -> None:
        count = 1_000 if isinstance(store, MemoryStore) else 100_000
        await fill(store, (event(offset, timestamp=NOW) for offset in range(count)))
        for start in (0, count // 2, count - 150):
            after = Cursor(NOW, f"{FILE}{start:012x}")
            page = await store.search(SearchRequest(order="asc", limit=100, after=after))
            assert [one.offset for one in page.events] == list(range(start + 1, start + 101))
            assert page.total == count
            page = await store.search(SearchRequest(order="desc", limit=100, after=after))
            assert [one.offset for one in page.events] == list(range(start - 1, max(start - 101, -1), -1))

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("limit", [1, 3, 7, 50])
    async def test_pages_join_without_gap_or_double_over_ties_of_several_files(
        self, store: Store, order: str, limit: int
    ) -> None:
        rng = random.Random(limit)
        files = [FILE, OTHER_FILE, "00" * 10, "ff" * 10, FILE[:18] + "ac"]
        events = [event(offset, file=rng.choice(files), timestamp=NOW + rng.randrange(4) - 2) for offset in range(60)]
        await fill(store, events)
        expected = sorted(events, key=lambda one: (one.time, one.event_id), reverse=order == "desc")
        assert await pages(store, order, limit) == expected

    async def test_paging_goes_on_while_events_are_written(self, store: Store) -> None:
        await fill(store, (event(offset) for offset in range(0, 100, 2)))
        seen: list[int] = []
        cursor, position = None, 1
        while True:
            page = await store.search(SearchRequest(order="asc", limit=10, after=cursor))
            seen += [one.offset for one in page.events]
            cursor = page.cursor
            if cursor is None:
                break
            position += 1
            await fill(store, [event(seen[0] + 1), event(seen[-1] + 1), event(200 + position)], position)
        assert seen == sorted(set(seen))
        assert set(range(0, 100, 2)) <= set(seen)

    async def test_the_cursor_may_be_of_no_event(self, store: Store) -> None:
        await fill(store, [event(0), event(10), event(20)])
        for cursor, above, below in [
            (Cursor(NOW + 10, "0" * 32), [10, 20], [0]),
            (Cursor(NOW + 10, "f" * 32), [20], [10, 0]),
            (Cursor(NOW + 10, ""), [10, 20], [0]),
            (Cursor(NOW + 10, "zz"), [20], [10, 0]),
            (Cursor(NOW + 5, ""), [10, 20], [0]),
            (Cursor(-(2**70), ""), [0, 10, 20], []),
        ]:
            up = await store.search(SearchRequest(order="asc", after=cursor))
            down = await store.search(SearchRequest(order="desc", after=cursor))
            assert ([one.offset for one in up.events], [one.offset for one in down.events]) == (above, below), cursor

    async def test_the_newest_come_first_unless_asked_otherwise(self, store: Store) -> None:
        await fill(store, [event(0), event(1)])
        assert [one.offset for one in (await store.search(SearchRequest())).events] == [1, 0]

    async def test_a_full_page_with_nothing_behind_it_has_no_cursor(self, store: Store) -> None:
        await fill(store, [event(0), event(1)])
        assert (await store.search(SearchRequest(limit=2))).cursor is None
        assert (await store.search(SearchRequest(limit=1))).cursor == Cursor(NOW + 1, f"{FILE}{1:012x}")

    async def test_a_limit_of_none_counts_only_and_one_too_high_is_refused(self, store: Store) -> None:
        await fill(store, [event(0)])
        page = await store.search(SearchRequest(limit=0))
        assert (page.events, page.total, page.cursor) == ((), 1, None)
        with pytest.raises(StoreError):
            await store.search(SearchRequest(limit=LIMIT_MAX + 1))

    async def test_times_from_1677_to_2262(self, store: Store) -> None:
        times = [-(2**63), -1, 0, 1, NOW, 4_102_444_800_000_000_000, 2**63 - 1]
        await fill(store, (event(i, timestamp=at) for i, at in enumerate(times)))
        assert [one.time for one in await pages(store, "asc", 2)] == times
        assert await store.time_bounds() == (times[0], times[-1])
        assert await found(store, ALL, start=-1, end=2) == [1, 2, 3]
        assert await found(store, ALL, start=-(2**80), end=2**80) == list(range(7))
        assert await found(store, ALL, start=2**80) == []


class TestWriting:
    async def test_nothing_is_found_before_the_flush(self, store: Store) -> None:
        await store.write([Item(1, event(0))])
        assert await store.count(ALL) == 0
        assert await store.position() == 0
        await store.flush()
        assert await store.count(ALL) == 1
        assert await store.position() == 1

    async def test_a_position_that_is_durable_is_passed_over(self, store: Store) -> None:
        await fill(store, [event(0), event(1)], 5)
        assert await fill(store, [event(2), event(0)], 5) == [Verdict.DUPLICATE] * 2
        assert await fill(store, [event(3)], 4) == [Verdict.DUPLICATE]
        assert await store.count(ALL) == 2

    async def test_an_event_that_is_there_is_passed_over_at_any_position(self, store: Store) -> None:
        created, duplicate = Verdict.CREATED, Verdict.DUPLICATE
        assert await fill(store, [event(10), event(10), event(5), event(5)]) == [created, duplicate, created, duplicate]
        assert await fill(store, [event(10), event(5), event(7), event(11)], 2) == [
            duplicate,
            duplicate,
            created,
            created,
        ]
        assert await found(store, ALL) == [5, 7, 10, 11]

    async def test_the_position_moves_past_records_of_which_nothing_was_new(self, store: Store) -> None:
        await fill(store, [event(0)], 1)
        await fill(store, [event(0)], 2)
        assert await store.position() == 2

    async def test_writing_and_flushing_nothing_changes_nothing(self, store: Store) -> None:
        assert await fill(store, []) == []
        assert (await store.position(), await store.time_bounds()) == (0, None)
        assert (await store.search(SearchRequest())).events == ()
        assert (await store.files(), await store.transaction_ids()) == ([], [])

    @pytest.mark.parametrize(
        "changes",
        [
            {"event_id": "nonsense"},
            {"event_id": "AB" * 16},
            {"offset": -1},
            {"offset": 2**48},
            {"length": -1},
            {"length": 2**70},
        ],
    )
    async def test_an_event_without_a_place_in_a_file_is_rejected_alone(
        self, store: Store, changes: dict[str, Any]
    ) -> None:
        bad = msgspec.structs.replace(event(1), **changes)
        verdicts = await fill(store, [event(0), bad, event(2)])
        assert verdicts == [Verdict.CREATED, Verdict.REJECTED, Verdict.CREATED]
        assert await found(store, ALL) == [0, 2]

    @pytest.mark.parametrize(
        "changes",
        [
            {"body": "NUL \0 in the middle"},
            {"body": "lone \ud800 surrogate"},
            {"body": "x" * 1_000_000},
            {"body": "\x1b[31mred\x1b[0m \u202e\U0001f9f6"},
            {"service": "s" * 70_000, "host": "\0", "source": "\udfff"},
            {"aliases": ("a" * 100_000, "", "\ud800", "\0")},
            {"transaction_id": "t" * 70_000, "transaction_origin": "alias"},
            {"transaction_id": "", "transaction_origin": "line"},
            {"severity_number": -5},
            {"severity_number": 2**80},
            {"timestamp": 2**63},
            {"timestamp": -(2**63) - 1, "observed_timestamp": 2**90},
            {"attributes": {"i": 2**63, "j": -(2**64), "k": 2**20_000, "l": -(2**63)}},
            {"attributes": {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}},
            {"attributes": {"": "no key", "k" * 70_000: "v" * 70_000, "\0": "\0", "\ud800": "\ud800"}},
            {"attributes": {"list": [1, [2]], "map": {"a": {"b": 1}}, "object": object(), "bytes": b"\xff"}},
            {"attributes": {f"key{i}": i for i in range(5_000)}},
            {"original": bytes(range(256))},
        ],
        ids=lambda changes: ",".join(changes)[:40],
    )
    async def test_hostile_values_lose_no_event(self, store: Store, changes: dict[str, Any]) -> None:
        odd = event(1, **changes)
        assert await fill(store, [event(0), odd, event(2)]) == [Verdict.CREATED] * 3
        assert sorted(await found(store, ALL)) == [0, 1, 2]
        kept = await store.get(odd.event_id)
        assert kept is not None
        assert kept.original == odd.original
        assert await fill(store, [event(3)], 2) == [Verdict.CREATED]

    async def test_a_nested_value_deeper_than_the_stack_becomes_text(self, store: Store) -> None:
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        await fill(store, [event(0, attributes={"deep": deep, "fine": 1})])
        kept = await store.get(event(0).event_id)
        assert kept is not None
        assert kept.attributes == {"deep": "(list)", "fine": 1}
        while deep:  # taken apart one by one, as freeing it at once would recurse too
            deep = deep.pop()

    async def test_a_long_keyword_is_known_by_its_beginning(self, store: Store) -> None:
        await fill(store, [event(0, service="s" * 70_000)])
        assert await found(store, Term("service", "s" * 70_000)) == [0]
        assert await found(store, Prefix("service", "sss")) == [0]


class TestHistogram:
    @pytest.mark.parametrize("start", [NOW, NOW - NOW % 10**9, -1_000, -(10**18) - 1, 0])
    @pytest.mark.parametrize("interval", [1, 7, 255, 256, 1_000, 999_999_937, 10**9])
    async def test_borders_are_exact_to_the_nanosecond(self, store: Store, start: int, interval: int) -> None:
        borders = [start + i * interval for i in range(5)]
        times = [border + step for border in borders for step in (-1, 0, 1)]
        await fill(store, (event(i, timestamp=at, severity_number=17) for i, at in enumerate(times)))
        end = borders[-1]
        buckets = await store.histogram(ALL, start=start, end=end, interval=interval)
        expected = {at: sum(at <= time < at + interval for time in times) for at in borders[:-1]}
        assert buckets == [Bucket(at, {"error": count}) for at, count in expected.items() if count]

    async def test_counts_by_severity_and_leaves_empty_intervals_out(self, store: Store) -> None:
        severities = [0, 1, 4, 5, 9, 13, 17, 20, 21, 24]
        await fill(
            store, (event(i, timestamp=1_000 * (i % 2) * 5, severity_number=n) for i, n in enumerate(severities))
        )
        buckets = await store.histogram(ALL, start=0, end=10_000, interval=1_000)
        assert [bucket.start for bucket in buckets] == [0, 5_000]
        assert buckets[0].counts == {"unspecified": 1, "trace": 1, "info": 1, "error": 1, "fatal": 1}
        assert buckets[1].counts == {"trace": 1, "debug": 1, "warn": 1, "error": 1, "fatal": 1}

    async def test_the_last_interval_ends_with_the_range(self, store: Store) -> None:
        await fill(store, [event(0, timestamp=14), event(1, timestamp=15)])
        assert await store.histogram(ALL, start=0, end=15, interval=10) == [Bucket(10, {"unspecified": 1})]

    async def test_a_range_without_time_is_empty_and_nonsense_is_refused(self, store: Store) -> None:
        await fill(store, [event(0)])
        assert await store.histogram(ALL, start=NOW, end=NOW, interval=1) == []
        for start, end, interval in [(0, 1, 0), (1, 0, 1), (0, HISTOGRAM_BUCKETS_MAX + 1, 1)]:
            with pytest.raises(StoreError):
                await store.histogram(ALL, start=start, end=end, interval=interval)


class TestCounting:
    async def test_facets_rank_by_count_and_then_value(self, store: Store) -> None:
        services = ["b", "a", "c", "a", "b", "", "d"]
        await fill(store, (event(i, service=name, attributes={"n": i % 2}) for i, name in enumerate(services)))
        assert await store.facet(ALL, "service") == [
            FacetValue("a", 2),
            FacetValue("b", 2),
            FacetValue("c", 1),
            FacetValue("d", 1),
        ]
        assert await store.facet(ALL, "service", limit=1) == [FacetValue("a", 2)]
        assert await store.facet(Term("attributes.n", "1"), "service") == [FacetValue("a", 2)]
        assert await store.facet(ALL, "service", start=NOW + 4, end=NOW + 7) == [FacetValue("b", 1), FacetValue("d", 1)]
        assert await store.facet(ALL, "attributes.n") == [FacetValue("0", 4), FacetValue("1", 3)]

    async def test_facets_over_more_values_than_an_engine_likes(self, store: Store) -> None:
        await fill(store, (event(i, service=f"s{i % 700}") for i in range(1_401)))
        values = await store.facet(ALL, "service", limit=1_000)
        assert len(values) == 700
        assert values[:2] == [FacetValue("s0", 3), FacetValue("s1", 2)]

    async def test_transaction_facets_leave_generated_ids_out(self, store: Store) -> None:
        await fill(store, RICH)
        assert await store.facet(ALL, "transaction_id") == [FacetValue(TRACE, 2)]

    async def test_a_field_that_is_not_counted_is_refused(self, store: Store) -> None:
        for field in ("body", "ids", "event_id", "time", "nonsense"):
            with pytest.raises(StoreError):
                await store.facet(ALL, field)

    async def test_transaction_ids_are_distinct_ordered_and_paged(self, store: Store) -> None:
        rng = random.Random(3)
        ids = sorted({f"{rng.getrandbits(128):032x}" for _ in range(300)} | {"order 1", "Zed", "f", "0"})
        stamped = [event(i, transaction_id=ids[i % len(ids)], transaction_origin="line") for i in range(2 * len(ids))]
        await fill(store, [*stamped, event(10_000)])
        got: list[str] = []
        while page := await store.transaction_ids(got[-1] if got else "", limit=7):
            got += page
        assert got == ids
        assert await store.transaction_ids("g") == [i for i in ids if i > "g"]

    async def test_files_account_for_every_byte(self, store: Store) -> None:
        many = [f"{i:020x}" for i in range(30)]
        await fill(store, (event(10 * j, file=file, length=10 + j) for file in many for j in range(3)))
        await fill(store, [event(1_000, file=many[0], service="moved", source="/new", host="h2", length=5)], 2)
        files = await store.files()
        assert [one.file_id for one in files] == many
        assert files[0] == StoredFile(many[0], "/new", "h2", "moved", events=4, bytes=38, start=0, end=1_005)
        assert files[1] == StoredFile(
            many[1], "/var/log/orders.log", "alpha", "orders", events=3, bytes=33, start=0, end=32
        )

    async def test_get_returns_the_event_or_none(self, store: Store) -> None:
        await fill(store, RICH)
        assert await store.get(RICH[3].event_id) == RICH[3]
        assert await store.get(f"{FILE}{1:012x}") is None
        assert await store.get("nonsense") is None

    async def test_closing_twice_is_closing(self, store: Store) -> None:
        await fill(store, [event(0)])
        await store.close()
        assert await store.close() is None  # type: ignore[func-returns-value]

    async def test_questions_run_beside_writes(self, store: Store) -> None:
        async def write() -> None:
            for position in range(1, 11):
                await fill(store, (event(100 * position + i) for i in range(100)), position)

        async def ask() -> list[int]:
            return [await store.count(ALL) for _ in range(20)]

        _, counts = await asyncio.gather(write(), ask())
        assert all(count % 100 == 0 for count in counts)
        assert counts == sorted(counts)
        assert await store.count(ALL) == 1_000
