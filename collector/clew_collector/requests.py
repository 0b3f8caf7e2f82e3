"""What every ingest route does alike: refuse while behind, read a bounded body, turn failures into answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from .admission import InFlight, Refused
from .errors import LogError, LogFull

if TYPE_CHECKING:
    from .service import Collector

__all__ = ["answered", "check_lag", "read_body"]

_LATER = frozenset({429, 503})


async def check_lag(collector: Collector) -> None:
    """Return if the store keeps up with the log; Refused (429) if it is too far behind."""
    lag = await collector.log.lag_bytes(collector.consumer.position)
    # Told here too: a consumer that is stuck tells nothing.
    collector.metrics.level("clew_consumer_lag", lag)
    if lag > collector.settings.lag_bytes_max:
        raise Refused(429, "lag", f"the store is {lag} bytes behind the log", hint="send again after Retry-After")


async def read_body(request: Request, in_flight: InFlight, held: ExitStack, *, bytes_max: int) -> bytes:
    """Return the body, held in flight until the stack closes; Refused (413) once it is larger than `bytes_max`."""
    too_large = Refused(
        413,
        "too_large",
        f"a request may have {bytes_max} bytes",
        hint="send less in a request, or raise the collector's `body_bytes_max`",
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


async def answered(
    collector: Collector, take: Callable[[], Awaitable[Response]], *, refuse: Callable[[Refused], Response]
) -> Response:
    """Return what `take` returns, or the answer that its failure means, in the form that `refuse` gives it."""
    try:
        return await take()
    except Refused as error:
        refusal = error
    except LogError as error:
        refusal = Refused(
            503, "log_full" if isinstance(error, LogFull) else "log_failed", error.message, hint=error.hint
        )
    except ClientDisconnect:
        # Nobody is there to read this; were a proxy, 400 would make it say that these lines are not wanted.
        refusal = Refused(503, "disconnected", "the request ended early", hint="send it again")
    collector.metrics.count("clew_ingest_refused", reason=refusal.reason)
    response = refuse(refusal)
    if refusal.status in _LATER:
        response.headers["Retry-After"] = str(collector.settings.retry_after_s)
    return response
