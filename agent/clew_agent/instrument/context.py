"""The hop that is being worked on, in OpenTelemetry's context; and how it is carried to whoever is called.

Headers: `traceparent`, `tracestate` and `baggage` (W3C Trace Context, W3C Baggage), and `x-request-id`, which many
proxies and people know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["REQUEST_ID_HEADER", "carry", "continued", "current_ids", "request_id"]

REQUEST_ID_HEADER = "x-request-id"
REQUEST_ID_CHARACTERS_MAX = 200
"""A longer id is no id that anybody looks for; a new one is made."""

_HOP = re.compile("[0-9a-f]{16}")
_BAGGAGE_HOP = "clew.hop"
_KEY = context.create_key("clew-hop")
_propagator = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
_own_provider = TracerProvider(shutdown_on_exit=False)


@dataclass(frozen=True, slots=True)
class _Hop:
    trace_id: str
    span_id: str
    parent_span_id: str
    """The span that called it, which may be a client's that is on no line."""
    caller_hop: str
    """The hop that called it, where that is another one."""
    request_id: str


def _tracer() -> Tracer:
    """Return the application's tracer; without one, a tracer of our own that makes ids and writes spans nowhere."""
    provider = trace.get_tracer_provider()
    return (provider if isinstance(provider, TracerProvider) else _own_provider).get_tracer("clew")


@contextmanager
def continued(name: str, headers: Mapping[str, str], kind: SpanKind = SpanKind.SERVER) -> Iterator[None]:
    """Work in a hop that continues the transaction in the headers; one begins where they name none.

    Header names are compared in lower case; a mapping of another kind (Starlette's Headers) may do so itself. Where
    other instrumentation has made a span current that is in no hop yet, the hop takes it over.
    """
    wanted = {field: value for field in _propagator.fields if (value := headers.get(field))}
    caller = _propagator.extract(wanted, context=Context())
    own = trace.get_current_span()
    if own.get_span_context().is_valid and _current() is None:
        with _working(own, caller, headers):
            yield
        return
    with _tracer().start_as_current_span(name, context=caller, kind=kind) as span, _working(span, caller, headers):
        yield


@contextmanager
def _working(span: Span, caller: Context, headers: Mapping[str, str]) -> Iterator[None]:
    ids = span.get_span_context()
    above = getattr(span, "parent", None)
    parent = f"{above.span_id:016x}" if above is not None else ""
    named = str(baggage.get_baggage(_BAGGAGE_HOP, caller) or baggage.get_baggage(_BAGGAGE_HOP) or "")
    hop = _Hop(
        f"{ids.trace_id:032x}",
        f"{ids.span_id:016x}",
        parent,
        named if parent and named != parent and _HOP.fullmatch(named) else "",
        _given_request_id(headers),
    )
    within = context.set_value(_KEY, hop)
    for name, value in {**baggage.get_all(caller), _BAGGAGE_HOP: hop.span_id}.items():
        within = baggage.set_baggage(name, value, within)
    token = context.attach(within)
    try:
        yield
    finally:
        context.detach(token)


def _given_request_id(headers: Mapping[str, str]) -> str:
    given = headers.get(REQUEST_ID_HEADER, "").strip()
    if given and len(given) <= REQUEST_ID_CHARACTERS_MAX and given.isprintable():
        return given
    return f"req-{uuid4().hex[:16]}"


def _current() -> _Hop | None:
    return cast("_Hop | None", context.get_value(_KEY))


def current_ids() -> dict[str, str]:
    """Return the hop's `trace_id`, `span_id` and `request_id`, empty outside of one; and what is known of its caller.

    That is `parent_span_id`, and `caller_hop` where the caller's hop is not that span.
    """
    hop = _current()
    if hop is None:
        return {}
    ids = {"trace_id": hop.trace_id, "span_id": hop.span_id, "request_id": hop.request_id}
    if hop.parent_span_id:
        ids["parent_span_id"] = hop.parent_span_id
    if hop.caller_hop:
        ids["caller_hop"] = hop.caller_hop
    return ids


def request_id() -> str:
    """Return the id of the request that is being handled, empty outside of one."""
    hop = _current()
    return hop.request_id if hop else ""


def carry() -> dict[str, str]:
    """Return headers that carry the hop to whoever is called next: over HTTP, in a message, to a background task."""
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    hop = _current()
    if hop is not None:
        headers[REQUEST_ID_HEADER] = hop.request_id
    return headers
