"""Agents: what each said of itself last, and the comparison of what they shipped with what is stored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from clew_agent.wire import ClockOffset, FileLedger
from clew_collector.agents import SeenAgent
from clew_query.backend import Backend
from clew_query.errors import Unavailable
from clew_query.times import NANOSECONDS, format_time

from .answer import ERRORS, answer

__all__ = ["agents_router"]


def agents_router(backend: Backend) -> APIRouter:
    """Return the routes /agents and /audit."""
    router = APIRouter(tags=["agents"], responses=ERRORS)

    @router.get("/agents", summary="Every agent that was heard of, with the ledger of its files")
    async def agents() -> Response:
        now_ns = time.time_ns()
        return answer({"agents": [_agent(agent, now_ns) for agent in backend.agents()]})

    @router.get("/audit", summary="Per file: bytes that agents had acknowledged, bytes in log and store")
    async def audit() -> Response:
        if backend.audit is None:
            raise Unavailable("this process has no log to compare with", hint="ask the collector's server")
        account = await backend.audit()
        return answer({"clean": account.clean, "files": account.files})

    return router


def _agent(agent: SeenAgent, now_ns: int) -> dict[str, Any]:
    heartbeat = agent.beat
    return {
        "agent_id": heartbeat.agent_id,
        "host": heartbeat.host,
        "version": heartbeat.version,
        "last_seen": format_time(agent.seen_ns),
        "started": format_time(heartbeat.started_ns),
        "lag_bytes": sum(_lag(file) for file in heartbeat.files),
        "lag_s": _lag_s(agent, now_ns),
        "given_up": _given_up(heartbeat.files),
        "clock": None if heartbeat.clock is None else _clock(heartbeat.clock),
        "files": msgspec.to_builtins(heartbeat.files),
        "errors": heartbeat.errors,
    }


def _lag(file: FileLedger) -> int:
    return max(file.seen - max(file.acknowledged, file.first), 0)


def _lag_s(agent: SeenAgent, now_ns: int) -> float:
    """Return for how long its oldest bytes wait: up to its report by its own clock, since then by ours."""
    since = min((file.behind_since_ns for file in agent.beat.files if file.behind_since_ns and _lag(file)), default=0)
    if not since:
        return 0.0
    return max(agent.beat.sent_ns - since, 0) / NANOSECONDS + max(now_ns - agent.seen_ns, 0) / NANOSECONDS


def _given_up(files: Sequence[FileLedger]) -> dict[str, int]:
    """Return how many bytes were given up, by reason."""
    lost: Counter[str] = Counter()
    for file in files:
        for part in file.given_up:
            lost[part.reason] += part.end - part.start
    return dict(lost)


def _clock(clock: ClockOffset) -> dict[str, Any]:
    return {
        "offset_ns": clock.offset_ns,
        "uncertainty_ns": clock.uncertainty_ns,
        "measured": format_time(clock.measured_ns),
    }
