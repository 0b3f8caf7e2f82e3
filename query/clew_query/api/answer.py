"""How every answer looks: plain data as JSON, encoded once, with no model between; and every error alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from clew_agent.errors import ClewError
from clew_query.errors import BadRequest, NotFound, QueryError
from clew_query.garbage import collector_paused
from clew_query.view import encode_json

__all__ = ["ERRORS", "answer", "answer_error", "answer_events", "register_errors"]

# About 4 ms of work.
INLINE_EVENTS_MAX = 200

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {
            "application/json": {
                "example": {"error": {"message": "this quote is not closed", "hint": "", "position": 8}}
            }
        },
    }
    for status, meaning in {
        400: "The query does not parse, or a parameter does not hold.",
        404: "Nothing is known by that id.",
        503: "This process cannot answer that now.",
    }.items()
}
"""What a route's documentation says of errors."""

_STATUS: dict[type[ClewError], int] = {BadRequest: 400, QueryError: 400, NotFound: 404}


def answer(data: Any, *, status: int = 200) -> Response:
    """Return the response with the data as JSON."""
    return Response(encode_json(data), status_code=status, media_type="application/json")


async def answer_events(make: Callable[[], Any], *, events: int) -> Response:
    """Return the response with what `make` returns; made in a thread where many events would hold up others."""
    if events <= INLINE_EVENTS_MAX:
        return answer(make())

    def work() -> Response:
        with collector_paused():
            return answer(make())

    return await asyncio.to_thread(work)


def answer_error(
    status: int,
    message: str,
    *,
    hint: str = "",
    position: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error's response: `{"error": {"message", "hint", "position"?}}`."""
    error: dict[str, Any] = {"message": message, "hint": hint}
    if position is not None:
        error["position"] = position
    response = answer({"error": error}, status=status)
    response.headers.update(headers or {})
    return response


def register_errors(app: FastAPI) -> None:
    """Make the app answer every error in the one form."""

    @app.exception_handler(ClewError)
    async def clew_error(_request: Request, error: ClewError) -> Response:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
        position = error.position if isinstance(error, QueryError) else None
        return answer_error(status, error.message, hint=error.hint, position=position)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        problems = [f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors()]
        return answer_error(400, "; ".join(problems), hint="/openapi.json describes every parameter")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        message = f"there is nothing at {request.url.path}" if error.status_code == 404 else str(error.detail)
        return answer_error(error.status_code, message, headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, error: Exception) -> Response:
        # Starlette raises it again behind this answer, so that the server logs it.
        return answer_error(500, f"an unexpected {type(error).__name__}; the server's log has it")
