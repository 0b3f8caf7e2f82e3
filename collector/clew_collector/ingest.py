"""The HTTP side that agents talk to: 200 only after the log has every chunk durably.

400  not chunks; nothing was stored, sending it again is useless
413  larger than is taken; the rest is not kept, sending it again is useless
429  behind: send again after `Retry-After`
503  the log is full or failed: send again after `Retry-After`
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from clew_agent.wire import CHUNKS_PATH, HEARTBEAT_PATH, TIME_PATH, ChunksAnswer, Heartbeat, TimeAnswer

from .admission import InFlight, Refused, decode, unpack
from .otlp.routes import otlp_router
from .requests import answered, check_lag, read_body

if TYPE_CHECKING:
    from .service import Collector

__all__ = ["ingest_router"]

_JSON = "application/json"
_encode = msgspec.json.Encoder().encode
_heartbeat_json = msgspec.json.Decoder(Heartbeat)
_heartbeat_msgpack = msgspec.msgpack.Decoder(Heartbeat)


def ingest_router(collector: Collector) -> APIRouter:
    """Return the routes `POST /ingest/v1/chunks`, `POST /ingest/v1/heartbeat`, and OTLP's."""
    router = APIRouter(tags=["ingest"])
    in_flight = InFlight(collector.settings.in_flight_bytes_max)

    @router.post(CHUNKS_PATH, summary="Take chunks; 200 when they are durable")
    async def chunks(request: Request) -> Response:
        return await answered(collector, lambda: _take_chunks(collector, in_flight, request), refuse=_refusal)

    @router.post(HEARTBEAT_PATH, summary="Take an agent's report", status_code=204)
    async def heartbeat(request: Request) -> Response:
        return await answered(collector, lambda: _take_heartbeat(collector, in_flight, request), refuse=_refusal)

    @router.post(TIME_PATH, summary="Say what time it is here: agents measure their clocks by it")
    async def tell_time() -> Response:
        # Received when the loop gets to it: time spent waiting for that counts as time on the way, as it should.
        return Response(_encode(TimeAnswer(received_ns=(now := time.time_ns()), answered_ns=now)), media_type=_JSON)

    router.include_router(otlp_router(collector, in_flight))
    return router


async def _take_chunks(collector: Collector, in_flight: InFlight, request: Request) -> Response:
    settings = collector.settings
    await check_lag(collector)
    with ExitStack() as held:
        body = await read_body(request, in_flight, held, bytes_max=settings.body_bytes_max)
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
        body = await read_body(request, in_flight, held, bytes_max=collector.settings.body_bytes_max)
        as_json = request.headers.get("content-type", "").startswith("application/json")
        try:
            beat = (_heartbeat_json if as_json else _heartbeat_msgpack).decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(400, "no_heartbeat", f"the body is not a heartbeat: {error}") from error
        await collector.agents.record(beat)
    return Response(status_code=204)


def _refusal(refusal: Refused) -> Response:
    body = msgspec.json.encode({"error": {"message": refusal.message, "hint": refusal.hint}})
    return Response(body, status_code=refusal.status, media_type="application/json")
