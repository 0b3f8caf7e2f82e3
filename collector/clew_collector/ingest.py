"""The HTTP side that agents talk to: 200 only after the log has every chunk durably.

400  not chunks; nothing was stored, sending it again is useless
413  larger than is taken; the rest is not kept, sending it again is useless
429  behind: send again after `Retry-After`
503  the log is full or failed: send again after `Retry-After`
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from clew_agent.wire import CHUNKS_PATH, HEARTBEAT_PATH, ChunksAnswer, Heartbeat

from .admission import InFlight, Refused, decode, unpack
from .errors import LogError, LogFull

if TYPE_CHECKING:
    from .service import Collector

__all__ = ["ingest_router"]

_heartbeat_json = msgspec.json.Decoder(Heartbeat)
_heartbeat_msgpack = msgspec.msgpack.Decoder(Heartbeat)


def ingest_router(collector: Collector) -> APIRouter:
    """Return the routes `POST /ingest/v1/chunks` and `POST /ingest/v1/heartbeat`."""
    router = APIRouter(tags=["ingest"])
    in_flight = InFlight(collector.settings.in_flight_bytes_max)

    @router.post(CHUNKS_PATH, summary="Take chunks; 200 when they are durable")
    async def chunks(request: Request) -> Response:
        return await _answered(collector, lambda: _take_chunks(collector, in_flight, request))

    @router.post(HEARTBEAT_PATH, summary="Take an agent's report", status_code=204)
    async def heartbeat(request: Request) -> Response:
        return await _answered(collector, lambda: _take_heartbeat(collector, in_flight, request))

    return router


async def _take_chunks(collector: Collector, in_flight: InFlight, request: Request) -> Response:
    settings = collector.settings
    lag = await collector.log.lag_bytes(collector.consumer.position)
    # Told here too: a consumer that is stuck tells nothing.
    collector.metrics.level("clew_consumer_lag", lag)
    if lag > settings.lag_bytes_max:
        raise Refused(429, "lag", f"the store is {lag} bytes behind the log", hint="send again after Retry-After")
    with ExitStack() as held:
        body = await _body(request, in_flight, held, bytes_max=settings.body_bytes_max)
        frames = await asyncio.to_thread(unpack, body, decoded_bytes_max=settings.decoded_bytes_max)
        held.enter_context(in_flight.hold(frames.decoded_bytes))
        chunks = await asyncio.to_thread(decode, frames)
        appended = await collector.log.append(chunks, encoded=frames.encoded)
    collector.metrics.count("clew_ingest_chunks", len(chunks))
    collector.metrics.count("clew_ingest_lines", appended.accepted, result="accepted")
    collector.metrics.count("clew_ingest_lines", appended.duplicate, result="duplicate")
    answer = ChunksAnswer(accepted=appended.accepted, duplicate=appended.duplicate)
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _take_heartbeat(collector: Collector, in_flight: InFlight, request: Request) -> Response:
    with ExitStack() as held:
        body = await _body(request, in_flight, held, bytes_max=collector.settings.body_bytes_max)
        as_json = request.headers.get("content-type", "").startswith("application/json")
        try:
            beat = (_heartbeat_json if as_json else _heartbeat_msgpack).decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(400, "no_heartbeat", f"the body is not a heartbeat: {error}") from error
        await collector.agents.record(beat)
    return Response(status_code=204)


async def _body(request: Request, in_flight: InFlight, held: ExitStack, *, bytes_max: int) -> bytes:
    """Return the body, held in flight until the stack closes; Refused (413) once it is larger than `bytes_max`."""
    too_large = Refused(
        413,
        "too_large",
        f"a request may have {bytes_max} bytes",
        hint="send fewer or smaller chunks in a request, or raise the collector's `body_bytes_max`",
    )
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > bytes_max:
        raise too_large
    # What it says is counted before it is read; a body of unknown length is counted as the largest.
    held.enter_context(in_flight.hold(int(said) if said.isdigit() else bytes_max))
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise too_large
        parts.append(part)
    return b"".join(parts)


async def _answered(collector: Collector, take: Callable[[], Awaitable[Response]]) -> Response:
    """Return what `take` returns, or the answer that its failure means."""
    retry_after = {"Retry-After": str(collector.settings.retry_after_s)}
    try:
        return await take()
    except Refused as error:
        collector.metrics.count("clew_ingest_refused", reason=error.reason)
        return _error(error.status, error.message, error.hint, retry_after if error.status == 429 else {})
    except LogError as error:
        reason = "log_full" if isinstance(error, LogFull) else "log_failed"
        collector.metrics.count("clew_ingest_refused", reason=reason)
        return _error(503, error.message, error.hint, retry_after)
    except ClientDisconnect:
        # Nobody is there to read this; were a proxy, 400 would make it say that these lines are not wanted.
        collector.metrics.count("clew_ingest_refused", reason="disconnected")
        return _error(503, "the request ended early", "send it again", retry_after)


def _error(status: int, message: str, hint: str, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode({"error": {"message": message, "hint": hint}})
    return Response(body, status_code=status, headers=headers, media_type="application/json")
