"""Sending items until each has a verdict: the one place that acts on what `verdict` decides."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from clew_agent.metrics import Metrics
from clew_collector.errors import StoreError

from .connection import ACCESS_HINT, Connection
from .request import BulkItem, body, cut
from .settings import ElasticsearchSettings
from .verdict import Answer, Decision, Fate, Judged, judge

__all__ = ["Sender", "retry_wait_s"]

Numbered = tuple[int, BulkItem]


def retry_wait_s(attempt: int, *, wait_s_min: float, wait_s_max: float) -> float:
    """Return how long to wait before the attempt after `attempt` (1, 2, ...) ones."""
    return min(wait_s_max, wait_s_min * 2.0 ** min(attempt - 1, 60))


class Sender:
    """Sends bulk requests, a few at a time."""

    def __init__(
        self,
        connection: Connection,
        settings: ElasticsearchSettings,
        *,
        make_index: Callable[[str], Awaitable[None]],
        metrics: Metrics | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._make_index = make_index
        self._metrics = metrics
        self._sleep = sleep
        self._in_flight = asyncio.Semaphore(settings.bulks_max)
        self.requests: Counter[Decision] = Counter()
        """Requests by what was decided about them."""

    async def send(self, items: Sequence[BulkItem]) -> list[Judged]:
        """Return each item's fate: created, duplicate or rejected. StoreError when some have none after all attempts.

        An item whose request had no whole answer may be there: sent again, it is a duplicate.
        """
        fates: dict[int, Judged] = {}
        waiting: list[Numbered] = list(enumerate(items))
        reason = ""
        for attempt in range(1, self._settings.attempts_max + 1):
            left, reason = await self._attempt(waiting, fates)
            if not left:
                return [fates[number] for number in range(len(items))]
            waiting = left
            if attempt < self._settings.attempts_max:
                wait_s = retry_wait_s(
                    attempt, wait_s_min=self._settings.retry_wait_s_min, wait_s_max=self._settings.retry_wait_s_max
                )
                # So that several collectors that were refused together do not come back together.
                await self._sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311
        raise StoreError(
            f"Elasticsearch did not take {len(waiting)} of {len(items)} events "
            f"in {self._settings.attempts_max} attempts: {reason}",
            hint="they are kept and sent again; `clew doctor` says what is wrong with the cluster",
        )

    async def _attempt(self, waiting: list[Numbered], fates: dict[int, Judged]) -> tuple[list[Numbered], str]:
        """Send all that wait, once; return what has no verdict yet, and why the last of it has none."""
        requests, first = [], 0
        for part in cut([item for _number, item in waiting], bytes_max=self._settings.bulk_bytes_max):
            requests.append(waiting[first : first + len(part)])
            first += len(part)
        outcomes = await asyncio.gather(
            *(self._request(request, fates) for request in requests), return_exceptions=True
        )
        if failures := [outcome for outcome in outcomes if isinstance(outcome, BaseException)]:
            raise failures[0]
        results = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        left = [numbered for again, _reason in results for numbered in again]
        return left, next((reason for again, reason in reversed(results) if again), "")

    async def _request(self, items: list[Numbered], fates: dict[int, Judged]) -> tuple[list[Numbered], str]:
        async with self._in_flight:
            reply = await self._connection.bulk(body([item for _number, item in items]))
        ids = [item.event_id for _number, item in items]
        answer = judge(None, b"", ids) if reply is None else judge(reply.status, reply.body, ids)
        self.requests[answer.decision] += 1
        if self._metrics is not None:
            self._metrics.count("clew_store_requests", result=answer.decision.name.lower())
        match answer.decision:
            case Decision.FAIL:
                raise StoreError(f"Elasticsearch refused a bulk request: {answer.reason}", hint=ACCESS_HINT)
            case Decision.AGAIN:
                return items, answer.reason
            case Decision.HALVE:
                middle = len(items) // 2
                left, reason = await self._request(items[:middle], fates)
                right, other = await self._request(items[middle:], fates)
                return left + right, other or reason
            case Decision.ITEMS:
                return await self._settle(items, answer, fates)

    async def _settle(
        self, items: list[Numbered], answer: Answer, fates: dict[int, Judged]
    ) -> tuple[list[Numbered], str]:
        again: list[Numbered] = []
        reason, missing = "", set[str]()
        for numbered, judged in zip(items, answer.items, strict=True):
            fate = judged.fate
            if fate is Fate.AGAIN or fate is Fate.NO_INDEX:
                again.append(numbered)
                reason = judged.reason
                if fate is Fate.NO_INDEX:
                    missing.add(numbered[1].index)
            else:
                fates[numbered[0]] = judged
        for index in sorted(missing):
            await self._make_index(index)
        return again, reason
