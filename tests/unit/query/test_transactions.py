"""Transactions as a whole: the language over summaries, and the pages of the API."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from tests.unit.query.events import SECOND, START, asking, event, store_of

from clew_collector.store.expression import ALL, And, Expression, Not, Or, Prefix, Range, Term
from clew_collector.store.memory import MemoryStore
from clew_query.backend import Backend
from clew_query.errors import QueryError
from clew_query.lucene import compile_transactions_query
from clew_query.terminal.transactions import draw_transaction

A, B = "aa" * 16, "bb" * 16
ERROR = Range("severity_number", low=17)


async def ask(store: MemoryStore, **parameters: Any) -> Any:
    async with asking(Backend(store=store)) as client:
        return (await client.get("/api/v1/transactions", params=parameters)).json()


def part(transaction: str, n: int, service: str, **fields: Any) -> Any:
    return event(n, transaction_id=transaction, transaction_origin="line", service=service, **fields)


EVENTS = [
    part(A, 0, "gate"),
    part(A, 1, "pay", severity_number=17),
    part(A, 4, "gate"),
    part(B, 2, "gate", severity_number=0, duration=SECOND // 2, kind="server", body="GET /"),
    event(9),
]


class TestQuery:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", ALL),
            ("service:pay error:true", And((Term("service", "pay"), ERROR))),
            ("error:false", Not(ERROR)),
            ("severity>=error", Range("severity_number", 17, None)),
            ("root:gate OR name:GET*", Or((Term("root", "gate"), Prefix("name", "GET")))),
            ("duration>2s", Range("duration", 2 * SECOND, None, include_low=False)),
            ("duration:2s", Or((Term("duration", str(2 * SECOND)),))),
            ("-service:pay", Not(Term("service", "pay"))),
            ("timestamp>=2023-01-29T08:30:00Z", Range("time", START, None)),
            ("transaction_id:" + A, Or((Term("transaction_id", A),))),
        ],
    )
    def test_is_the_language_of_events_over_fewer_fields(self, text: str, expected: Expression) -> None:
        asked = compile_transactions_query(text)
        assert asked == expected or Or((asked,)) == expected

    @pytest.mark.parametrize(
        ("text", "position"), [("declined", 0), ("service:a host:b", 10), ("duration>2", 0), ("error:maybe", 0)]
    )
    def test_says_what_no_summary_can_tell(self, text: str, position: int) -> None:
        with pytest.raises(QueryError) as caught:
            compile_transactions_query(text)
        assert caught.value.position == position
        assert "service, root" in caught.value.hint


class TestList:
    async def test_sums_up_newest_first(self) -> None:
        answer = await ask(await store_of(*EVENTS))
        assert (answer["total"], answer["returned"], answer["truncated"], answer["cursor"]) == (2, 2, False, None)
        newest, oldest = answer["transactions"]
        assert newest["transaction_id"] == B
        assert newest["root"] == {"service": "gate", "name": "GET /"}
        assert oldest == {
            "transaction_id": A,
            "start": "2023-01-29T08:30:00.000000000Z",
            "end": "2023-01-29T08:30:04.000000000Z",
            "duration": 4 * SECOND,
            "services": ["gate", "pay"],
            "severity": "error",
            "severity_number": 17,
            "root": {"service": "gate", "name": ""},
            "events": 3,
            "errors": 1,
        }

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("service:pay", [A]), ("error:false", [B]), ("duration>1s", [A]), ("root:gate", [B, A]), ("root:pay", [])],
    )
    async def test_is_asked_by_query(self, query: str, expected: list[str]) -> None:
        answer = await ask(await store_of(*EVENTS), query=query)
        assert [one["transaction_id"] for one in answer["transactions"]] == expected

    async def test_pages_by_cursor(self) -> None:
        store = await store_of(*EVENTS)
        first = await ask(store, limit=1, order="asc")
        assert (first["transactions"][0]["transaction_id"], first["truncated"]) == (A, True)
        second = await ask(store, limit=1, order="asc", cursor=first["cursor"])
        assert (second["transactions"][0]["transaction_id"], second["cursor"]) == (B, None)

    async def test_takes_a_range_of_begins(self) -> None:
        answer = await ask(await store_of(*EVENTS), to="2023-01-29T08:30:01Z")
        assert [one["transaction_id"] for one in answer["transactions"]] == [A]

    async def test_refuses_what_it_cannot_tell_with_a_position(self) -> None:
        answer = await ask(await store_of(*EVENTS), query="service:a AND body:x")
        assert answer["error"]["position"] == 14


def test_a_line_of_the_terminal_says_when_how_bad_how_long_and_through_whom() -> None:
    console = Console(width=200, record=True, file=StringIO())
    transaction = {
        "transaction_id": A, "start": "2023-01-29T08:30:00.000000000Z", "duration": 4 * SECOND, "severity": "error",
        "services": [f"s{i}" for i in range(9)], "root": {"service": "s0", "name": "GET /\x1b[31m"}, "events": 1200,
    }  # fmt: skip
    console.print(draw_transaction(transaction), soft_wrap=True)
    text = console.export_text()
    assert "2023-01-29 08:30:00.000 ERROR" in text
    assert "4 s " in text
    assert "s0 GET /" in text
    assert "s1, s2, s3, s4, s5, s6 +2" in text
    assert "1,200 events" in text
    assert "\x1b" not in text
