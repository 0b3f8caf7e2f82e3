"""Asking Clew: a server over HTTP, or a data directory through the same API inside this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from rich.cells import cell_len

from .errors import BadRequest, NotFound, QueryError, ServerError

__all__ = ["SERVER_DEFAULT", "Client", "Where", "point_at"]

SERVER_DEFAULT = "http://127.0.0.1:8900"
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 120.0
_API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Where:
    """Whom to ask: the server at this URL, or this data directory with no server."""

    server: str = SERVER_DEFAULT
    data: Path | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """Return a client for as long as the context is open; ClewError when the directory cannot be read."""
        if self.data is not None:
            async with _directory(self.data) as client:
                yield client
            return
        timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # A proxy that the environment names cannot reach this machine's own addresses.
        async with httpx.AsyncClient(
            base_url=self.server, timeout=timeout, trust_env=not _is_loopback(self.server)
        ) as http:
            yield Client(http, self.server)


@asynccontextmanager
async def _directory(data: Path) -> AsyncIterator[Client]:
    from clew_collector.service import Readers  # noqa: PLC0415 - a server is asked without loading any of it

    from .api import create_app  # noqa: PLC0415
    from .backend import Backend  # noqa: PLC0415

    readers = await Readers.open(data)
    try:
        transport = httpx.ASGITransport(create_app(Backend.of_readers(readers, data), page=False))
        async with httpx.AsyncClient(transport=transport, base_url="http://clew") as http:
            yield Client(http, str(data))
    finally:
        await readers.close()


def _is_loopback(url: str) -> bool:
    try:
        host = httpx.URL(url).host
        return host == "localhost" or ip_address(host).is_loopback
    except (ValueError, httpx.InvalidURL):
        return False


class Client:
    """Gives the API's answers; its errors are the API's: QueryError with a caret under its place, NotFound, others."""

    def __init__(self, http: httpx.AsyncClient, place: str) -> None:
        self._http = http
        self._place = place

    async def get(self, path: str, **parameters: Any) -> Any:
        """Return the answer's data; parameters that are None are not sent (`from_` stands for `from`)."""
        return msgspec.json.decode(await self.get_bytes(path, **parameters))

    async def get_bytes(self, path: str, **parameters: Any) -> bytes:
        """Return the answer as it came, which is one line of JSON."""
        asked = _given(parameters)
        try:
            answer = await self._http.get(_API + path, params=asked)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(error) from error
        if answer.status_code != httpx.codes.OK:
            raise self._refused(answer, asked)
        return answer.content

    async def transaction(self, name: str, *, limit: int | None = None) -> bytes:
        """Return the JSON of the transaction that any of its ids names; NotFound if none does."""
        return await self.get_bytes(f"/transactions/{quote(name, safe='', errors='replace')}", limit=limit)

    async def follow(self, query: str) -> AsyncGenerator[tuple[str, Any]]:
        """Yield (`following`, None) at the beginning, then (`event`, EVENT) and (`dropped`, {count}) as they come.

        ServerError when the server ends it.
        """
        asked = _given({"query": query})
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
        try:
            async with self._http.stream("GET", f"{_API}/events/stream", params=asked, timeout=timeout) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    raise self._refused(answer, asked)
                yield "following", None
                kind = ""
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data":
                        yield kind, msgspec.json.decode(value)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(error) from error
        raise ServerError(f"{self._place} ended the live tail", hint="it stops or starts anew; ask again")

    def _unreachable(self, error: Exception) -> ServerError:
        reason = str(error) or type(error).__name__
        return ServerError(
            f"cannot reach Clew at {self._place}: {reason}",
            hint="start it with `clew up`, name it with --server URL (or CLEW_SERVER), or read a data directory"
            " with --data DIR",
        )

    def _refused(self, answer: httpx.Response, asked: dict[str, Any]) -> Exception:
        try:
            error = msgspec.json.decode(answer.content)["error"]
            message, hint, position = str(error["message"]), str(error["hint"]), error.get("position")
        except (msgspec.MsgspecError, KeyError, TypeError):
            return ServerError(
                f"{self._place} answered {answer.status_code} and nothing that Clew says",
                hint="is that the URL of a Clew server?",
            )
        if isinstance(position, int):
            return QueryError(
                f"{message}\n{point_at(str(asked.get('query', '')), position)}", position=position, hint=hint
            )
        kinds = {400: BadRequest, 404: NotFound}
        return kinds.get(answer.status_code, ServerError)(message, hint=hint)


def point_at(query: str, position: int) -> str:
    """Return the query on one line with a caret below the character at the position."""
    line = "".join(c if c.isprintable() else " " for c in query)
    return f"  {line}\n  {' ' * cell_len(line[:position])}^"


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in parameters.items() if value is not None}
