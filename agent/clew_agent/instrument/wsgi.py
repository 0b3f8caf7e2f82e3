"""WSGI: each request is a hop, until its last byte is made (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any

from opentelemetry.trace import SpanKind

from .context import continued

__all__ = ["TraceWsgiRequests"]

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class TraceWsgiRequests:
    """Middleware: the app is called, and its answer iterated and closed, within the request's hop."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one request."""
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        name = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
        # A context of its own: between two parts of an answer the server may work on other requests.
        within = copy_context()
        hop = continued(name, headers, SpanKind.SERVER)
        within.run(hop.__enter__)
        try:
            answer = within.run(self._app, environ, start_response)
        except BaseException as error:
            within.run(hop.__exit__, type(error), error, error.__traceback__)
            raise
        return _Answer(answer, within, lambda: within.run(hop.__exit__, None, None, None))


class _Answer:
    """The app's answer; each part of it is made within the hop, which ends when the server closes the answer."""

    def __init__(self, answer: Iterable[bytes], within: Context, end: Callable[[], Any]) -> None:
        self._answer = answer
        self._parts = within.run(iter, answer)
        self._within = within
        self._end: Callable[[], Any] | None = end

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._within.run(next, self._parts)

    def close(self) -> None:
        """Close the app's answer; PEP 3333 has the server call this however the request ends."""
        if self._end is None:
            return
        end, self._end = self._end, None
        try:
            if hasattr(self._answer, "close"):
                self._within.run(self._answer.close)
        finally:
            end()
