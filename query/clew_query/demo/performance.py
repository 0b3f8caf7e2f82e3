"""The demo from beginning to end: start everything, send the load, ask Clew what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from .cast import CAST, logs_of, raise_curtain
from .load import Shot, draw_customers, run_load
from .result import DemoResult, ServiceAccount, count_lines
from .script import RULE, write_configuration, write_rules
from .server import REQUEST_TIMEOUT_S, Clew, start_clew
from .services import HANDED_OVER
from .sink import WebhookSink
from .stage import Stage, StageError

__all__ = ["FAILING_SERVICE", "Plan", "perform"]

FAILING_SERVICE = "payments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to play, and where."""

    directory: Path
    listen: str
    """HOST:PORT for Clew."""
    requests: int
    seed: int


async def perform(
    plan: Plan, stage: Stage, sink: WebhookSink, *, say: Callable[[str], None], progress: Callable[[], None]
) -> DemoResult:
    """Play the demo on the stage and return what came of it; everything started goes on running.

    `say` is told each step in words, `progress` each request that was answered. Raises StageError when a process dies.
    """
    began = monotonic()
    directory = plan.directory
    say("Starting Clew: collector, store, page and alerts, and an agent that tails hosts/*/*.log")
    start_clew(
        stage,
        directory,
        configuration=write_configuration(directory),
        rules=write_rules(directory, sink.url),
        listen=plan.listen,
    )
    url = f"http://{plan.listen}"
    async with httpx.AsyncClient(base_url=url, timeout=REQUEST_TIMEOUT_S, trust_env=False) as client:
        clew = Clew(client, stage)
        say(f"Starting {len(CAST)} services: {', '.join(part.name for part in CAST)}")
        gateway = raise_curtain(stage, directory)
        if not await clew.wait_until(clew.ready):
            raise StageError("Clew did not become ready in time", hint="`clew demo --keep` keeps what it logged")
        say(f"Sending {plan.requests} requests")
        before = _handed_over(directory)
        shots = await run_load(gateway, draw_customers(plan.requests, plan.seed), progress=progress)
        failed = _check_answers(stage, shots)
        say("Waiting for the queue, for the last lines to be stored, and for the alert")
        placed = before + sum(shot.status == httpx.codes.CREATED for shot in shots)

        async def all_shipped() -> bool:
            return _handed_over(directory) >= placed

        async def alert() -> dict[str, object] | None:
            return _alert(sink)

        await clew.wait_until(all_shipped)
        services = await _account(clew, directory)
        # One from the middle: services are warm by then, and its times are those of an ordinary request.
        example = failed[len(failed) // 2].request_id
        return DemoResult(
            url=url,
            directory=str(directory),
            requests=len(shots),
            failed=len(failed),
            services=services,
            audit_clean=bool((await clew.ask("/audit"))["clean"]),
            failed_request=example,
            transaction=await clew.ask(f"/transactions/{example}"),
            alert=await clew.wait_until(alert),
            seconds=round(monotonic() - began, 1),
        )


async def _account(clew: Clew, directory: Path) -> tuple[ServiceAccount, ...]:
    written = {service: count_lines(path) for service, path in logs_of(directory).items()}

    async def all_stored() -> bool:
        return (await _stored(clew)) == written

    await clew.wait_until(all_stored)
    stored = await _stored(clew)
    return tuple(ServiceAccount(part.name, part.host, written[part.name], stored.get(part.name, 0)) for part in CAST)


async def _stored(clew: Clew) -> dict[str, int]:
    return {row["service"]: row["events"] for row in (await clew.ask("/services"))["services"]}


def _handed_over(directory: Path) -> int:
    log = logs_of(directory)["shipping"]
    return log.read_bytes().count(HANDED_OVER.encode()) if log.exists() else 0


def _check_answers(stage: Stage, shots: list[Shot]) -> list[Shot]:
    """Return the requests that failed as they should; StageError if some got no answer, or none failed."""
    stage.check()
    if unanswered := sum(shot.status == 0 for shot in shots):
        raise StageError(f"{unanswered} requests got no answer", hint="`clew demo --keep` keeps what the services said")
    if failed := [shot for shot in shots if shot.status == httpx.codes.BAD_GATEWAY]:
        return failed
    raise StageError("no request failed, though some should", hint="`clew demo --keep` keeps what the services said")


def _alert(sink: WebhookSink) -> dict[str, object] | None:
    for told in list(sink.received):
        if (told["rule"], told["service"], told["status"]) == (RULE, FAILING_SERVICE, "firing"):
            return told
    return None
