"""Where hops begin and end: ASGI, WSGI, HTTP clients, messages, log lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from aiokafka.structs import ConsumerRecord
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from clew_agent.instrument import (
    AddIds,
    TraceRequests,
    TraceWsgiRequests,
    add_ids,
    continued,
    current_ids,
    handling,
    message_headers,
    propagate_calls,
)

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class TestAsgi:
    def client(self, app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(TraceRequests(app)), base_url="http://app")

    async def test_handler_stream_and_background_task_are_in_the_hop(self) -> None:
        seen: list[dict[str, str]] = []

        async def body() -> Any:
            seen.append(current_ids())
            yield b"x"

        async def handle(_request: Request) -> StreamingResponse:
            seen.append(current_ids())
            return StreamingResponse(body(), background=BackgroundTask(lambda: seen.append(current_ids())))

        async with self.client(Starlette(routes=[Route("/", handle)])) as client:
            await client.get("/", headers={"traceparent": TRACEPARENT, "X-Request-ID": "r1"})
        assert len(seen) == 3
        assert seen[0] == seen[1] == seen[2]
        assert (seen[0]["parent_span_id"], seen[0]["request_id"]) == ("00f067aa0ba902b7", "r1")
        assert current_ids() == {}

    async def test_requests_at_once_do_not_mix(self) -> None:
        async def handle(request: Request) -> JSONResponse:
            before = current_ids()
            await asyncio.sleep(0)
            assert current_ids() == before
            return JSONResponse([request.headers["x-request-id"], before["request_id"]])

        async with self.client(Starlette(routes=[Route("/", handle)])) as client:
            answers = await asyncio.gather(*(client.get("/", headers={"X-Request-ID": f"r{n}"}) for n in range(20)))
        assert [answer.json() for answer in answers] == [[f"r{n}", f"r{n}"] for n in range(20)]

    async def test_of_a_header_twice_the_first_one_counts(self) -> None:
        async def handle(_request: Request) -> JSONResponse:
            return JSONResponse(current_ids())

        async with self.client(Starlette(routes=[Route("/", handle)])) as client:
            answer = await client.get("/", headers=[("X-Request-ID", "first"), ("X-Request-ID", "second")])
        assert answer.json()["request_id"] == "first"

    async def test_what_is_no_request_is_passed_on(self) -> None:
        seen: list[str] = []

        async def app(scope: Any, _receive: Any, _send: Any) -> None:
            seen.append(scope["type"])

        await TraceRequests(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
        assert seen == ["lifespan"]


class TestWsgi:
    def ask(self, app: Any, **environ: str) -> Iterator[bytes]:
        given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}
        return TraceWsgiRequests(app)(given, lambda *_: None)  # type: ignore[return-value]

    def test_the_call_its_parts_and_its_close_are_in_the_hop(self) -> None:
        seen: list[dict[str, str]] = []

        class Parts:
            def __iter__(self) -> Iterator[bytes]:
                for part in (b"a", b"b"):
                    seen.append(current_ids())
                    yield part

            def close(self) -> None:
                seen.append(current_ids())

        def app(_environ: Any, _start: Any) -> Parts:
            seen.append(current_ids())
            return Parts()

        answer = self.ask(app, HTTP_TRACEPARENT=TRACEPARENT, HTTP_X_REQUEST_ID="r1")
        assert current_ids() == {}, "between two parts the server works for others"
        assert list(answer) == [b"a", b"b"]
        answer.close()  # type: ignore[attr-defined]
        answer.close()  # type: ignore[attr-defined]
        assert len(seen) == 4
        assert all(ids == seen[0] for ids in seen)
        assert (seen[0]["parent_span_id"], seen[0]["request_id"]) == ("00f067aa0ba902b7", "r1")

    def test_a_failure_ends_the_hop(self) -> None:
        def app(_environ: Any, _start: Any) -> list[bytes]:
            raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            self.ask(app)
        assert current_ids() == {}


class TestHttpClients:
    @pytest.mark.parametrize("given", [{}, {"X-Request-ID": "mine"}])
    def test_every_request_takes_the_hop_along(self, given: dict[str, str]) -> None:
        sent: list[httpx.Request] = []
        transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(200))
        with propagate_calls(httpx.Client(transport=transport)) as client, continued("edge", {}):
            ids = current_ids()
            client.get("http://app/", headers=given)
        assert ids["span_id"] in sent[0].headers["traceparent"]
        assert sent[0].headers["x-request-id"] == given.get("X-Request-ID", ids["request_id"])

    async def test_asynchronous_clients_too_and_nothing_outside_of_a_hop(self) -> None:
        sent: list[httpx.Request] = []
        transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(200))
        async with propagate_calls(httpx.AsyncClient(transport=transport)) as client:
            await client.get("http://app/")
            with continued("edge", {}):
                await client.get("http://app/")
        assert ["traceparent" in request.headers for request in sent] == [False, True]


class TestMessages:
    def record(self, headers: list[tuple[str, bytes]]) -> ConsumerRecord[bytes, bytes]:
        return ConsumerRecord("orders", 0, 7, 0, 0, b"", b"", 0, 0, 0, headers)

    def test_a_record_is_worked_on_in_a_hop_that_its_sender_called(self) -> None:
        with continued("shop", {}):
            shop, headers = current_ids(), message_headers([("kind", b"order"), ("X-Request-ID", b"mine")])
        assert headers[:2] == [("kind", b"order"), ("X-Request-ID", b"mine")]
        with handling(self.record(headers)):
            mail = current_ids()
        assert (mail["trace_id"], mail["parent_span_id"]) == (shop["trace_id"], shop["span_id"])
        assert mail["request_id"] == "mine"

    def test_a_record_without_headers_begins_a_transaction(self) -> None:
        with handling(self.record([("broken", b"\xff"), ("traceparent", b"")])):
            assert "parent_span_id" not in current_ids()

    def test_outside_of_a_hop_only_the_given_headers_are_sent(self) -> None:
        assert message_headers([("a", b"b")]) == [("a", b"b")]


class TestLines:
    def test_structlog_has_the_ids_on_every_line_unless_it_names_its_own(self) -> None:
        out = io.StringIO()
        logger = structlog.wrap_logger(
            structlog.WriteLogger(out),
            processors=[add_ids, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        )
        logger.info("outside")
        with continued("edge", {}):
            ids = current_ids()
            logger.info("inside")
            logger.info("own", span_id="mine")
        outside, inside, own = map(json.loads, out.getvalue().splitlines())
        assert outside == {"event": "outside"}
        assert inside == {"event": "inside", **ids}
        assert own["span_id"] == "mine"

    def test_logging_has_them_in_its_format(self) -> None:
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.addFilter(AddIds())
        handler.setFormatter(logging.Formatter("[%(ids)s] %(trace_id)s/%(parent_span_id)s %(message)s"))
        logger = logging.Logger("app")  # noqa: LOG001 - one of its own, known to nobody else
        logger.addHandler(handler)
        logger.info("outside")
        with continued("edge", {"x-request-id": 'say "9"'}):
            ids = current_ids()
            logger.info("inside")
        outside, inside = out.getvalue().splitlines()
        assert outside == "[] / outside"
        named = f'trace_id={ids["trace_id"]} span_id={ids["span_id"]} request_id="say \\"9\\""'
        assert inside == f"[{named}] {ids['trace_id']}/ inside"
