"""The client: what becomes of every kind of answer, and what it says when there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.unit.query.events import asking, event, store_of

from clew_collector.errors import DataDirectoryError
from clew_query.backend import Backend
from clew_query.client import Client, Where, point_at
from clew_query.errors import BadRequest, NotFound, QueryError, ServerError


@asynccontextmanager
async def answered(handle: Callable[[httpx.Request], httpx.Response]) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://clew") as http:
        yield Client(http, "http://clew")


class TestAnswers:
    async def test_data(self) -> None:
        async with asking(Backend(store=await store_of(event(0)))) as http:
            answer = await Client(http, "here").get("/events", query="line", from_=None)
        assert answer["total"] == 1

    async def test_an_error_in_the_query_is_shown_where_it_stands(self) -> None:
        async with asking(Backend(store=await store_of())) as http:
            with pytest.raises(QueryError) as caught:
                await Client(http, "here").get("/events", query="a timeout~2")
        assert caught.value.position == 9
        assert caught.value.message.endswith("\n  a timeout~2\n           ^")
        assert caught.value.hint

    async def test_a_bad_parameter_and_an_unknown_id(self) -> None:
        async with asking(Backend(store=await store_of())) as http:
            client = Client(http, "here")
            with pytest.raises(BadRequest, match="from"):
                await client.get("/events", from_="noon")
            with pytest.raises(NotFound, match="order/17"):
                await client.transaction("order/17")

    async def test_a_part_that_is_missing(self) -> None:
        async with asking(Backend(store=await store_of())) as http:
            with pytest.raises(ServerError) as caught:
                await anext(Client(http, "here").follow(""))
        assert "--server" in caught.value.hint

    async def test_something_that_is_not_clew(self) -> None:
        for body in (b"<html>", b"[]", b'{"error": "no"}'):
            async with answered(lambda _, body=body: httpx.Response(502, content=body)) as client:
                with pytest.raises(ServerError, match="answered 502"):
                    await client.get("/events")

    async def test_nobody_is_there(self) -> None:
        def refuse(_request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("Connection refused")

        async with answered(refuse) as client:
            with pytest.raises(ServerError, match="cannot reach Clew at http://clew: Connection refused") as caught:
                await client.get("/events")
            assert "clew up" in caught.value.hint
            with pytest.raises(ServerError, match="cannot reach"):
                await anext(client.follow(""))

    async def test_a_url_that_is_none(self) -> None:
        async with Where("nonsense://x").connect() as client:
            with pytest.raises(ServerError, match="unsupported protocol"):
                await client.get("/events")


class TestFollowing:
    async def test_gives_events_and_what_was_dropped_then_says_that_it_ended(self) -> None:
        body = b': hello\n\nevent: event\ndata: {"body":"a: b"}\n\nevent: dropped\ndata: {"count":3}\n\n'
        async with answered(lambda _: httpx.Response(200, content=body)) as client:
            following = client.follow("")
            assert await anext(following) == ("following", None)
            assert await anext(following) == ("event", {"body": "a: b"})
            assert await anext(following) == ("dropped", {"count": 3})
            with pytest.raises(ServerError, match="ended the live tail"):
                await anext(following)


class TestDirectory:
    async def test_one_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DataDirectoryError):
            async with Where(data=tmp_path / "nothing").connect():
                pass
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "position", "drawn"),
    [
        ("a)", 1, "  a)\n   ^"),
        ("日本 )", 3, "  日本 )\n       ^"),
        ("a\n\t)", 3, "  a  )\n     ^"),
        ("a", 9, "  a\n   ^"),
    ],
)
def test_the_caret_stands_below_its_character(query: str, position: int, drawn: str) -> None:
    assert point_at(query, position) == drawn
