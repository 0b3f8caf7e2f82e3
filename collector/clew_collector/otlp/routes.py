"""OTLP over HTTP (OTLP specification 1.x, "OTLP/HTTP"): 200 only after the log has every record durably.

400  bad data           not retried: sending it again is useless
413  larger than taken  not retried
415  neither Protobuf nor JSON, or compressed with something else than gzip
429  behind             retried after `Retry-After`
503  the log is full or failed: retried after `Retry-After`

A failure's body is a `google.rpc.Status`, in the content type of the request. Records that have no place here while
others do are counted in the answer's `partial_success`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from google.protobuf.message import DecodeError, Message
from google.rpc.code_pb2 import INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE, UNKNOWN
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from clew_agent.stamp.settings import StampSettings
from clew_agent.stamp.stamper import Stamper
from clew_collector.admission import InFlight, Refused
from clew_collector.requests import answered, check_lag, read_body

from .gzipped import decompress
from .json_form import NotOtlpJson, decode_json, encode_json
from .records import Records, chunks_of, take_logs, take_spans
from .signals import LOGS, TRACES, Signal

if TYPE_CHECKING:
    from clew_collector.service import Collector

__all__ = ["CODES", "otlp_router"]

PROTOBUF, JSON = "application/x-protobuf", "application/json"
CODES = {400: INVALID_ARGUMENT, 413: RESOURCE_EXHAUSTED, 415: INVALID_ARGUMENT, 429: RESOURCE_EXHAUSTED,
          503: UNAVAILABLE}  # fmt: skip


def otlp_router(collector: Collector, in_flight: InFlight) -> APIRouter:
    """Return the routes `POST /v1/logs` and `POST /v1/traces`."""
    router = APIRouter(tags=["ingest"])
    stamper = Stamper(StampSettings())

    def take(signal: Signal, body: bytes, media: str) -> Records:
        request = _decode(signal, body, media)
        return take_logs(request, stamper) if signal is LOGS else take_spans(request)

    async def export(signal: Signal, request: Request) -> Response:
        media = _media_type(request)
        return await answered(
            collector, lambda: _export(signal, request, media), refuse=lambda refusal: _refusal(refusal, media)
        )

    async def _export(signal: Signal, request: Request, media: str) -> Response:
        settings = collector.settings
        if media not in {PROTOBUF, JSON}:
            raise Refused(
                415, "media_type", f"the content type {media[:80]} is not known", hint=f"{PROTOBUF} or {JSON}"
            )
        await check_lag(collector)
        with ExitStack() as held:
            sent = await read_body(request, in_flight, held, bytes_max=settings.body_bytes_max)
            encoding = request.headers.get("content-encoding", "").strip().lower()
            body = await asyncio.to_thread(decompress, sent, encoding, bytes_max=settings.decoded_bytes_max)
            held.enter_context(in_flight.hold(len(body)))
            records = await asyncio.to_thread(take, signal, body, media)
            if records.lines:
                chunks = await asyncio.to_thread(chunks_of, records, observed_ns=time.time_ns())
                appended = await collector.log.append(chunks)
                collector.metrics.count("clew_ingest_lines", appended.accepted, result="accepted")
                collector.metrics.count("clew_ingest_lines", appended.duplicate, result="duplicate")
        if rejected := records.rejected.total():
            collector.metrics.count("clew_ingest_lines", rejected, result="rejected")
        return _answer(_success(signal, records.rejected), media)

    @router.post(LOGS.path, summary="Take OTLP log records; 200 when they are durable")
    async def logs(request: Request) -> Response:
        return await export(LOGS, request)

    @router.post(TRACES.path, summary="Take OTLP spans; 200 when they are durable")
    async def traces(request: Request) -> Response:
        return await export(TRACES, request)

    return router


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _decode(signal: Signal, body: bytes, media: str) -> Any:
    try:
        if media == JSON:
            return decode_json(body, signal.request)
        return signal.request.FromString(body)
    except (DecodeError, NotOtlpJson) as error:
        raise Refused(400, "bad_data", f"the body is not an {signal.request.DESCRIPTOR.name}: {error}") from error


def _success(signal: Signal, rejected: Counter[str]) -> Message:
    """Return the answer; `partial_success` is set only where there is something to say."""
    response = signal.response()
    if rejected:
        setattr(response.partial_success, signal.rejected_field, rejected.total())
        response.partial_success.error_message = "; ".join(f"{count} {why}" for why, count in rejected.items())
    return response


def _refusal(refusal: Refused, media: str) -> Response:
    message = f"{refusal.message} ({refusal.hint})" if refusal.hint else refusal.message
    status = Status(code=CODES.get(refusal.status, UNKNOWN), message=message)
    if refusal.status == 400:
        violation = BadRequest.FieldViolation(field="body", description=refusal.message)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    return _answer(status, media if media == PROTOBUF else JSON, status=refusal.status)


def _answer(message: Message, media: str, *, status: int = 200) -> Response:
    content = encode_json(message) if media == JSON else message.SerializeToString()
    return Response(content, status_code=status, media_type=media)
