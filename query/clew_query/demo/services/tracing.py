"""What every service here shares: the trace of the request that it works on, by OpenTelemetry and nothing else.

A request carries a W3C `traceparent` (https://www.w3.org/TR/trace-context/) and an `X-Request-ID`. Both go on with
every call and every message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from opentelemetry import propagate
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, get_current_span
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TraceRequests", "continued", "current_ids", "outgoing_headers", "request_id"]

REQUEST_ID_HEADER = "x-request-id"
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("clew.demo")


@contextmanager
def continued(name: str, headers: Mapping[str, str], kind: SpanKind) -> Iterator[None]:
    """Work within a span that continues the trace in the headers; begins one where they name none."""
    token = _request_id.set(headers.get(REQUEST_ID_HEADER) or f"req-{uuid4().hex[:12]}")
    try:
        with _tracer.start_as_current_span(name, context=propagate.extract(headers), kind=kind):
            yield
    finally:
        _request_id.reset(token)


class TraceRequests:
    """ASGI middleware: each HTTP request is handled within its trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with continued(f"{scope['method']} {scope['path']}", Headers(scope=scope), SpanKind.SERVER):
            await self._app(scope, receive, send)


def outgoing_headers() -> dict[str, str]:
    """Return the headers that carry the trace and the request id to whoever is called next."""
    headers = {REQUEST_ID_HEADER: request_id()}
    propagate.inject(headers)
    return headers


def request_id() -> str:
    """Return the id of the request that is being handled, empty outside of one."""
    return _request_id.get()


def current_ids() -> dict[str, str]:
    """Return trace, span and parent span as log fields, in lower-case hex; empty outside of a request."""
    span = get_current_span()
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    ids = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    if isinstance(span, ReadableSpan) and span.parent is not None:
        ids["parent_span_id"] = f"{span.parent.span_id:016x}"
    return ids
