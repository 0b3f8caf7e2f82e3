"""Live tail: matching events as server-sent events, as soon as they are searchable.

A reader that is too slow loses events and is told how many. Format: https://html.spec.whatwg.org/#server-sent-events
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from clew_collector.store.expression import Expression
from clew_collector.store.matching import matches
from clew_query.backend import Backend, Live
from clew_query.errors import Unavailable
from clew_query.lucene import compile_query
from clew_query.view import encode_json, event_json

from .answer import ERRORS
from .parameters import QueryText

__all__ = ["stream_events", "stream_router"]

KEEPALIVE_INTERVAL_S = 10.0


def stream_router(backend: Backend) -> APIRouter:
    """Return the route /events/stream."""
    router = APIRouter(tags=["events"], responses=ERRORS)

    @router.get(
        "/events/stream",
        summary="Matching events from now on, as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": "`event`: an event; `dropped`: {count}"}},
    )
    async def stream(query: QueryText = "") -> Response:
        expression = compile_query(query)
        if backend.live is None:
            raise Unavailable(
                "this process reads stored events only: it cannot follow new ones",
                hint="ask the server that takes them in, with --server URL",
            )
        tail = stream_events(backend.live, expression)
        # Begun here, so that too many tails are an error's answer and not a broken stream.
        opening = await anext(tail)
        return StreamingResponse(
            _begun(opening, tail),
            media_type="text/event-stream",
            # Proxies (nginx) must not hold events back.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router


async def _begun(opening: bytes, tail: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(tail):
        yield opening
        async for part in tail:
            yield part


async def stream_events(
    live: Live, expression: Expression, *, keepalive_interval_s: float = KEEPALIVE_INTERVAL_S
) -> AsyncGenerator[bytes]:
    """Yield matching events in the wire's form until closed; a comment when nothing came for a while."""
    with live.subscribe() as subscription:
        yield b": following\n\n"
        while True:
            events = await subscription.next(keepalive_interval_s)
            if dropped := subscription.take_dropped():
                yield b"event: dropped\ndata: " + encode_json({"count": dropped}) + b"\n\n"
            found = [event for event in events if matches(expression, event)]
            # JSON has no newlines in it, so one data line is the whole event.
            yield b"".join(b"event: event\ndata: " + encode_json(event_json(event)) + b"\n\n" for event in found) or (
                b": still here\n\n"
            )
