"""Delivering the outbox: each webhook's notifications in order, again and again until taken, refused or too old.

Delivery is at least once. A kill between the receiver's 200 and the mark in the book sends one notification a second
time, with the same `notification_id` and `Idempotency-Key`; by it a receiver drops the repeat. No sender can do better
alone: it cannot know whether an answer that it did not see was given.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

import structlog

from clew_agent.metrics import Metrics
from clew_query.errors import AlertBookError

from .book import AlertBook, Queued
from .notifier import Notifier, Outcome, Result
from .rule import Webhook

__all__ = ["Sender", "backoff_s"]

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0

log = structlog.get_logger()


def backoff_s(attempts: int, spread: float) -> float:
    """Return the wait after `attempts` failures: doubling up to a minute, 50 to 100 % of it by `spread`, 0 to 1."""
    return float(min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(attempts - 1, 16)) * (0.5 + 0.5 * spread))


class Sender:
    """Sends what stands in the book, each webhook apart: one that is down does not hold up another."""

    def __init__(
        self,
        book: AlertBook,
        webhooks: Mapping[str, tuple[Webhook, Notifier]],
        *,
        metrics: Metrics,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._book = book
        self._webhooks = webhooks
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._spread = spread
        self._news = {name: asyncio.Event() for name in webhooks}

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        for news in self._news.values():
            news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in self._webhooks:
                group.create_task(self._serve(name))

    async def drain(self, name: str, attempts: int = 0) -> float | None:
        """Send a webhook's notifications in order until one fails: then return how long to wait, else None."""
        webhook, notifier = self._webhooks[name]
        while queued := (await self._book.heads()).get(name):
            outcome = await notifier.send(queued.notification)
            age_s = (self._clock() - queued.created_ns) / 1e9
            if outcome.result is Result.DELIVERED:
                await self._book.settle(queued.sequence, now_ns=self._clock())
                self._metrics.count("clew_alerts_notifications", result="sent")
            elif outcome.result is Result.REFUSED:
                await self._give_up(queued, outcome.reason)
            elif age_s > webhook.give_up_after:
                await self._give_up(queued, f"not delivered in {age_s:.0f} s; last: {outcome.reason}")
            else:
                return self._postpone(queued, outcome, attempts + 1)
            attempts = 0
        return None

    async def discard_unknown(self) -> None:
        """Give up what is queued for webhooks that are no longer configured."""
        while unknown := [q for name, q in (await self._book.heads()).items() if name not in self._webhooks]:
            for queued in unknown:
                await self._give_up(queued, "the webhook is no longer configured")

    async def _serve(self, name: str) -> None:
        attempts = 0
        while True:
            self._news[name].clear()
            try:
                wait_s = await self.drain(name, attempts)
            except AlertBookError as error:
                log.error("The outbox of alerts cannot be read or written.", error=error.message)
                wait_s = BACKOFF_MAX_S
            if wait_s is None:
                attempts = 0
                await self._news[name].wait()
            else:
                attempts += 1
                await self._sleep(wait_s)

    def _postpone(self, queued: Queued, outcome: Outcome, attempts: int) -> float:
        wait_s = max(backoff_s(attempts, self._spread()), min(outcome.retry_after_s or 0, BACKOFF_MAX_S))
        self._metrics.count("clew_alerts_notifications", result="retry")
        log.warning(
            "A notification could not be delivered and is tried again.",
            webhook=queued.webhook, reason=outcome.reason, attempts=attempts, wait_s=round(wait_s, 1),
        )  # fmt: skip
        return wait_s

    async def _give_up(self, queued: Queued, reason: str) -> None:
        await self._book.settle(queued.sequence, now_ns=self._clock(), given_up=reason)
        self._metrics.count("clew_alerts_notifications", result="given_up")
        log.error(
            "A notification is given up.",
            webhook=queued.webhook, reason=reason, notification_id=queued.notification.notification_id,
            rule=queued.notification.rule, group=queued.notification.group,
        )  # fmt: skip
