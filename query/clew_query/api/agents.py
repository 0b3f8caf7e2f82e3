"""Agents: what each said of itself last, and the comparison of what they shipped with what is stored."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Response

from clew_agent.wire import FileLedger
from clew_collector.agents import SeenAgent
from clew_query.backend import Backend
from clew_query.errors import Unavailable
from clew_query.times import format_time

from .answer import ERRORS, answer

__all__ = ["agents_router"]


def agents_router(backend: Backend) -> APIRouter:
    """Return the routes /agents and /audit."""
    router = APIRouter(tags=["agents"], responses=ERRORS)

    @router.get("/agents", summary="Every agent that was heard of, with the ledger of its files")
    async def agents() -> Response:
        return answer({"agents": [_agent(agent) for agent in backend.agents()]})

    @router.get("/audit", summary="Per file: bytes that agents had acknowledged, bytes in log and store")
    async def audit() -> Response:
        if backend.audit is None:
            raise Unavailable("this process has no log to compare with", hint="ask the collector's server")
        account = await backend.audit()
        return answer({"clean": account.clean, "files": account.files})

    return router


def _agent(agent: SeenAgent) -> dict[str, Any]:
    heartbeat = agent.beat
    return {
        "agent_id": heartbeat.agent_id,
        "host": heartbeat.host,
        "version": heartbeat.version,
        "last_seen": format_time(agent.seen_ns),
        "started": format_time(heartbeat.started_ns),
        "lag_bytes": sum(_lag(file) for file in heartbeat.files),
        "files": msgspec.to_builtins(heartbeat.files),
        "errors": heartbeat.errors,
    }


def _lag(file: FileLedger) -> int:
    return max(file.seen - max(file.acknowledged, file.first), 0)
