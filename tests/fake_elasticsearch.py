"""An Elasticsearch that misbehaves on purpose: each item, and each answer, as its dice say. It keeps the truth.

Beside the real one, not instead of it: what the real one says is tested in `tests/integration` and `tests/contract`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any
from zlib import crc32

from aiohttp import web

__all__ = ["FakeElasticsearch", "Moods"]

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


@dataclass(frozen=True, slots=True)
class Moods:
    """How often what goes wrong, as shares of requests or of items."""

    busy: float = 0.0
    """429 for the whole request."""
    unavailable: float = 0.0
    """503 for the whole request."""
    cut: float = 0.0
    """The connection breaks in the middle of the answer; everything was done."""
    broken: float = 0.0
    """The answer is whole and its JSON is not; everything was done."""
    silent: float = 0.0
    """The connection breaks before the answer; nothing was done."""
    slow: float = 0.0
    """The answer comes in pieces, with pauses."""
    item_busy: float = 0.0
    item_unavailable: float = 0.0
    item_refused: float = 0.0
    """400, always for the same ids."""
    unrefreshed: float = 0.0
    """A shard is not available when it is to be refreshed: 200, and one success less."""
    bytes_max: int = 1 << 30
    """413 for a larger request."""


@dataclass
class FakeElasticsearch:
    """Serves what a store asks when it writes. `url` after `start`."""

    seed: int
    moods: Moods
    url: str = ""
    stored: dict[str, list[str]] = field(default_factory=dict)
    """The indices in which each id is."""
    documents: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    refreshed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/_bulk", self._bulk)
        app.router.add_get("/_nodes", self._nodes)
        app.router.add_post("/{names}/_refresh", self._refresh)
        app.router.add_get("/_cluster/health/{pattern}", self._health)
        app.router.add_post("/{index}/_mget", self._mget)
        app.router.add_route("*", "/{path:.*}", self._anything)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        address = self._runner.addresses[0]
        self.url = f"http://127.0.0.1:{address[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def refuses(self, event_id: str) -> bool:
        """Return whether this event's id is refused with 400, whenever it comes."""
        return (
            len(event_id) == 32 and crc32(f"{self.seed}{event_id}".encode()) % 10_000 < self.moods.item_refused * 10_000
        )

    def _happens(self, share: float) -> bool:
        return self._dice.random() < share

    async def _bulk(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        moods = self.moods
        if len(body) > moods.bytes_max:
            return self._answered("too_large", 413, {"error": "too large"})
        if self._happens(moods.busy):
            return self._answered("busy", 429, {"error": {"type": "es_rejected_execution_exception", "reason": "busy"}})
        if self._happens(moods.unavailable):
            return self._answered("unavailable", 503, {"error": {"type": "unavailable", "reason": "not now"}})
        if self._happens(moods.silent):
            self.answers["silent"] += 1
            return self._hang_up(request)
        lines = body.split(b"\n")
        items = [
            self._item(json.loads(action)["create"], document)
            for action, document in zip(lines[::2], lines[1::2], strict=False)
        ]
        text = json.dumps({"took": 1, "errors": True, "items": items}).encode()
        return await self._deliver(request, text)

    def _item(self, action: dict[str, str], document: bytes) -> dict[str, Any]:
        event_id, index = action["_id"], action["_index"]
        result: dict[str, Any] = {"_index": index, "_id": event_id}
        if self._happens(self.moods.item_busy):
            result |= {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
        elif self._happens(self.moods.item_unavailable):
            result |= {"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "no primary"}}
        elif self.refuses(event_id):
            result |= {"status": 400, "error": {"type": "document_parsing_exception", "reason": f"dislikes {event_id}"}}
        elif index in self.stored.get(event_id, ()):
            result |= {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}}
        else:
            self.stored.setdefault(event_id, []).append(index)
            self.documents[event_id] = document
            result |= {"status": 201, "result": "created"}
        return {"create": result}

    async def _deliver(self, request: web.Request, text: bytes) -> web.StreamResponse:
        if self._happens(self.moods.broken):
            self.answers["broken"] += 1
            return web.Response(body=text[: len(text) // 2], content_type="application/json", headers=PRODUCT)
        cut, slow = self._happens(self.moods.cut), self._happens(self.moods.slow)
        if not cut and not slow:
            self.answers["whole"] += 1
            return web.Response(body=text, content_type="application/json", headers=PRODUCT)
        response = web.StreamResponse(headers={**PRODUCT, "Content-Type": "application/json"})
        response.content_length = len(text)
        await response.prepare(request)
        middle = len(text) // 2
        await response.write(text[:middle])
        await asyncio.sleep(0.01)
        if cut:
            self.answers["cut"] += 1
            self._hang_up(request)
            return response
        self.answers["whole"] += 1
        await response.write(text[middle:])
        await response.write_eof()
        return response

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answered(self, kind: str, status: int, body: dict[str, Any]) -> web.Response:
        self.answers[kind] += 1
        return web.json_response(body, status=status, headers=PRODUCT)

    async def _nodes(self, _request: web.Request) -> web.Response:
        return web.json_response({"nodes": {"one": {"version": "8.19.8"}}}, headers=PRODUCT)

    async def _refresh(self, request: web.Request) -> web.Response:
        names = request.match_info["names"].split(",")
        reached = [name for name in names if not self._happens(self.moods.unrefreshed)]
        self.refreshed.update(reached)
        return web.json_response(
            {"_shards": {"total": 2 * len(names), "successful": len(reached), "failed": 0}}, headers=PRODUCT
        )

    async def _health(self, request: web.Request) -> web.Response:
        names = {index for indices in self.stored.values() for index in indices}
        one = {"status": "yellow", "active_shards": 1}
        return web.json_response(
            {"indices": {name: one for name in names if fnmatch(name, request.match_info["pattern"])}}, headers=PRODUCT
        )

    async def _mget(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["ids"]
        found = [{"_id": one, "_source": json.loads(self.documents[one])} for one in wanted if one in self.documents]
        return web.json_response({"docs": found}, headers=PRODUCT)

    async def _anything(self, _request: web.Request) -> web.Response:
        return web.json_response({}, headers=PRODUCT)
