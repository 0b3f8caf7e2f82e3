"""Chunks to a collector over HTTP. The collector's 200 says that they are durable there."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Callable, Sequence

import msgspec

from clew_agent.clock import TimeExchange
from clew_agent.errors import ChunkRefused, TransportError, TransportUnavailable
from clew_agent.wire import (
    CHUNKS_PATH,
    CONTENT_TYPE,
    HEARTBEAT_PATH,
    TIME_PATH,
    Chunk,
    ChunksAnswer,
    Heartbeat,
    TimeAnswer,
    encode_chunk,
    frame_pieces,
)

from .connection import Answer, Connection, HTTPException

__all__ = ["HttpTransport", "judge_answer"]


class HttpTransport:
    """Posts chunks; splits what the collector finds too large."""

    def __init__(self, url: str, *, timeout_s: float = 30.0, compression_level: int = 1) -> None:
        self._url = url
        self._level = compression_level
        # One send at a time and a heartbeat beside it.
        self._chunks = Connection(url, timeout_s=timeout_s)
        self._beats = Connection(url, timeout_s=timeout_s)

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """See Transport."""
        try:
            answer = await self._post(
                self._chunks, CHUNKS_PATH, lambda: _encode(chunks, self._level), content_type=CONTENT_TYPE
            )
        except _TooLarge as error:
            halves = _halve(chunks)
            if not halves:
                raise ChunkRefused(f"a single line is too large for the receiver: {error.message}") from error
            for half in halves:
                await self.send(half)
            return
        try:
            msgspec.json.decode(answer.content, type=ChunksAnswer)
        except msgspec.MsgspecError as error:
            raise TransportUnavailable(
                f"{self._url} answered 200, but not as a collector does: {error}",
                hint="`server` must be the URL of a collector",
            ) from error

    async def heartbeat(self, beat: Heartbeat) -> None:
        """See Transport."""
        await self._post(
            self._beats, HEARTBEAT_PATH, lambda: [msgspec.json.encode(beat)], content_type="application/json"
        )

    async def exchange_time(self) -> TimeExchange | None:
        """See Transport."""
        answer = await self._post(self._beats, TIME_PATH, list, content_type=CONTENT_TYPE)
        try:
            told = msgspec.json.decode(answer.content, type=TimeAnswer)
        except msgspec.MsgspecError:
            # A collector of an older version, or a proxy that takes everything: it has no clock to tell.
            return None
        return TimeExchange(answer.sent_ns, told.received_ns, told.answered_ns, answer.returned_ns)

    async def close(self) -> None:
        """See Transport."""
        for connection in (self._chunks, self._beats):
            connection.abort()
            await asyncio.to_thread(connection.close)

    async def _post(
        self, connection: Connection, path: str, encode: Callable[[], Sequence[bytes]], *, content_type: str
    ) -> Answer:
        """Encode and post in one thread, so that the event loop is asked once; raise what the answer means."""
        try:
            answer = await asyncio.to_thread(lambda: connection.post(path, encode(), content_type=content_type))
        except asyncio.CancelledError:
            connection.abort()
            raise
        except (OSError, HTTPException) as error:
            raise TransportUnavailable(
                f"{self._url} cannot be reached: {str(error) or type(error).__name__}",
                hint="see that the collector runs and that `server` names it",
            ) from error
        failure = judge_answer(answer.status, answer.content, retry_after=answer.headers.get("Retry-After"))
        if failure:
            raise failure
        return answer


class _TooLarge(ChunkRefused):
    """The collector takes no body of this size."""


def judge_answer(status: int, content: bytes, *, retry_after: str | None = None) -> TransportError | None:
    """Return what an answer means: None for success, else the error to raise.

    Only a collector's own 400 says that these very bytes will never be taken, and 413 that they are too many.
    Everything else, a proxy's 400 too, may be mended by an operator or by time: the lines stay in their files.
    """
    if 200 <= status < 300:
        return None
    said = _said_by_collector(content)
    message = f"the receiver answered {status}: {said or content[:200].decode('utf-8', 'replace').strip()}"
    if status == 413:
        return _TooLarge(message)
    if status == 400 and said:
        return ChunkRefused(message)
    hint = "" if status == 429 or status >= 500 else "see that `server` is the URL of a collector that lets you in"
    return TransportUnavailable(message, retry_after_s=_retry_after_s(retry_after), hint=hint)


class _Error(msgspec.Struct):
    message: str


class _ErrorBody(msgspec.Struct):
    error: _Error


def _said_by_collector(content: bytes) -> str | None:
    try:
        return msgspec.json.decode(content, type=_ErrorBody).error.message
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _retry_after_s(value: str | None) -> float | None:
    """Return the seconds in a Retry-After header: a number, or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _encode(chunks: Sequence[Chunk], level: int) -> list[bytes]:
    return frame_pieces([encode_chunk(chunk, level=level) for chunk in chunks])


def _halve(chunks: Sequence[Chunk]) -> tuple[Sequence[Chunk], ...]:
    """Return two halves in order, nothing if there is only one line."""
    if len(chunks) > 1:
        middle = len(chunks) // 2
        return chunks[:middle], chunks[middle:]
    chunk = chunks[0]
    middle = chunk.count // 2
    return ([chunk.select(0, middle)], [chunk.select(middle, chunk.count)]) if middle else ()
