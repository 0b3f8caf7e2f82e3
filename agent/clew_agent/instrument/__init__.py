"""In-process stamping: each line says in which transaction it is written, in which hop, and who called that.

For services, not for the agent. Built on OpenTelemetry's context and its W3C propagators, so it goes together with
other instrumentation: where a span is current already, that one counts, and a trace is continued, never begun anew.

A *hop* is one service handling one call. Every line of it carries the same `span_id`, whatever spans there are inside,
and the span that called it. Where that is a client's span, which is on no line, the calling hop, which travels as W3C
baggage, stands beside it as `caller_hop`: so the tree of a transaction is exact.
"""

from .asgi import TraceRequests
from .context import carry, continued, current_ids, request_id
from .http_client import propagate_calls
from .kafka import handling, message_headers
from .logs import AddIds, add_ids
from .wsgi import TraceWsgiRequests

__all__ = [
    "AddIds",
    "TraceRequests",
    "TraceWsgiRequests",
    "add_ids",
    "carry",
    "continued",
    "current_ids",
    "handling",
    "message_headers",
    "propagate_calls",
    "request_id",
]
