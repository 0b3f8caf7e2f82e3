"""The alert engine: measures, lets `decide` decide, keeps what changed, and only then tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from clew_agent.errors import ClewError
from clew_agent.metrics import Metrics
from clew_collector.store.expression import Expression
from clew_collector.store.protocol import Store
from clew_query.errors import AlertBookError
from clew_query.times import format_time

from .book import AlertBook, MemoryAlertBook, Outgoing
from .decide import AlertState, Failure, Measurement, Phase, Transition, decide, retire
from .duration import format_duration
from .measure import GROUPS_MAX, Counts, Measured, StoreCounts, measure
from .notification import AlertKey, notification_of
from .notifier import Notifier, WebhookNotifier
from .rule import CompiledRule, Rule, RuleSet, Webhook, compile_rules
from .sender import Sender
from .sqlite_book import SqliteAlertBook
from .watermark import Watermark, delayed_clock

__all__ = ["AlertEngine"]

DELAY_DEFAULT_S = 2.0
QUERY_TIMEOUT_S = 30.0

log = structlog.get_logger()


@dataclass(slots=True)
class _Watch:
    """A rule under evaluation."""

    rule: CompiledRule
    groups: dict[str, AlertState] = field(default_factory=dict)
    evaluated: int | None = None
    """End of the last window, ns UTC."""
    error: str = ""
    complete: bool = True


class AlertEngine:
    """Evaluates rules over a store and tells webhooks. What changed is durable before anybody is told."""

    def __init__(
        self,
        rules: tuple[CompiledRule, ...],
        *,
        counts: Counts,
        book: AlertBook,
        sender: Sender,
        notifiers: tuple[Notifier, ...],
        watermark: Watermark,
        metrics: Metrics,
        clock: Callable[[], int],
        base_url: str = "",
        groups_max: int = GROUPS_MAX,
    ) -> None:
        self._watches = {rule.rule.name: _Watch(rule) for rule in rules}
        self._counts = counts
        self._book = book
        self._sender = sender
        self._notifiers = notifiers
        self._watermark = watermark
        self._metrics = metrics
        self._clock = clock
        self._base_url = base_url
        self._groups_max = groups_max

    @classmethod
    async def open(
        cls,
        path: Path | None,
        rules: RuleSet,
        store: Store,
        *,
        compile_query: Callable[[str], Expression],
        metrics: Metrics,
        watermark: Watermark | None = None,
        base_url: str = "",
        clock: Callable[[], int] = time.time_ns,
        notifier: Callable[[Webhook], Notifier] = WebhookNotifier,
        groups_max: int = GROUPS_MAX,
    ) -> AlertEngine:
        """Return an engine that goes on where the book at `path` ends; None keeps it in memory.

        `watermark` says up to when the store has everything (default: two seconds ago). Raises RuleError when a query
        does not parse, DataDirectoryError when the book cannot be used, AlertBookError when it cannot be written.
        """
        compiled = compile_rules(rules.rules, compile_query)
        book: AlertBook = MemoryAlertBook() if path is None else SqliteAlertBook.open(path)
        webhooks = {webhook.name: (webhook, notifier(webhook)) for webhook in rules.webhooks}
        engine = cls(
            compiled,
            counts=StoreCounts(store),
            book=book,
            sender=Sender(book, webhooks, metrics=metrics, clock=clock),
            notifiers=tuple(notifier for _, notifier in webhooks.values()),
            watermark=watermark or delayed_clock(clock, DELAY_DEFAULT_S),
            metrics=metrics,
            clock=clock,
            base_url=base_url,
            groups_max=groups_max,
        )
        try:
            await engine.resume()
        except ClewError:
            await engine.close()
            raise
        return engine

    async def resume(self) -> None:
        """Take up the states in the book; alerts whose rule is gone end, and tell so."""
        gone: dict[AlertKey, AlertState] = {}
        for key, state in (await self._book.states()).items():
            watch = self._watches.get(key.rule)
            if watch is None or watch.rule.rule.group_by != key.group_by:
                gone[key] = state
            else:
                watch.groups[key.group] = state
        await self._sender.discard_unknown()
        now = self._clock()
        changes, outgoing = {}, []
        for key, state in gone.items():
            changes[key], told = retire(state, now, reason="The rule is no longer there.")
            outgoing += self._outgoing(key, None, told)
        if changes:
            await self._book.record(changes, outgoing, now_ns=now)

    async def run(self) -> None:
        """Evaluate every rule at its interval and deliver notifications, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sender.run())
            for name, watch in self._watches.items():
                group.create_task(self._repeat(name, watch.rule.rule.interval))

    async def evaluate(self, name: str) -> None:
        """Evaluate one rule once, at the watermark. An alert whose change could not be kept stays as it was."""
        watch = self._watches[name]
        now = await self._watermark()
        if now is None:
            return
        measured = await self._measure(watch.rule, now)
        changes: dict[AlertKey, AlertState] = {}
        outgoing: list[Outgoing] = []
        after: dict[str, AlertState] = {}
        rule = watch.rule.rule
        for group in {**watch.groups, **(measured.groups if isinstance(measured, Measured) else {})}:
            before = watch.groups.get(group, AlertState())
            after[group], told = decide(before, _of_group(measured, group, now), rule, now)
            key = AlertKey(rule.name, rule.group_by, group)
            if after[group].phase is not before.phase:
                changes[key] = after[group]
            outgoing += self._outgoing(key, rule, told)
        if changes:
            try:
                await self._book.record(changes, outgoing, now_ns=self._clock())
            except AlertBookError as error:
                self._note_error(watch, error.message)
                return
        for key, state in changes.items():
            log.info("An alert changed.", rule=key.rule, group=key.group, state=state.phase.value, since=state.since)
        self._take(watch, after, measured, now)
        if outgoing:
            self._sender.wake()

    async def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing, firing ones first, then by rule and group."""
        rows = [
            {"rule": name, **_alert_row(watch.rule, group, state)}
            for name, watch in self._watches.items()
            for group, state in watch.groups.items()
            if state.phase is not Phase.INACTIVE
        ]
        return sorted(rows, key=lambda row: (row["state"] != Phase.FIRING.value, row["rule"], row["group"]))

    async def rules(self) -> list[dict[str, Any]]:
        """Return the rules as written, each with how its evaluation went and what its groups measured last."""
        return [
            {
                **watch.rule.rule.model_dump(by_alias=True, mode="json"),
                "recovery": watch.rule.rule.recovery_share,
                "health": "error" if watch.error else "ok" if watch.evaluated else "unknown",
                "error": watch.error,
                "evaluated": None if watch.evaluated is None else format_time(watch.evaluated),
                "groups_complete": watch.complete,
                "groups": [_alert_row(watch.rule, group, state) for group, state in sorted(watch.groups.items())],
            }
            for watch in self._watches.values()
        ]

    async def close(self) -> None:
        """Free files and connections; what is still to be sent is sent after the next start."""
        for notifier in self._notifiers:
            await notifier.close()
        await self._book.close()

    async def _repeat(self, name: str, interval_s: float) -> None:
        while True:
            await self.evaluate(name)
            await asyncio.sleep(interval_s)

    async def _measure(self, rule: CompiledRule, now: int) -> Measured | Failure:
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_S):
                return await measure(self._counts, rule, now, groups_max=self._groups_max)
        except ClewError as error:
            return Failure(error.message)
        except TimeoutError:
            return Failure(f"no answer in {format_duration(QUERY_TIMEOUT_S)}")

    def _take(self, watch: _Watch, after: dict[str, AlertState], measured: Measured | Failure, now: int) -> None:
        if isinstance(measured, Failure):
            watch.groups = after
            self._note_error(watch, measured.reason)
            return
        # An inactive group that has no events any more is forgotten, or groups would pile up without a limit.
        watch.groups = {
            group: state
            for group, state in after.items()
            if group in measured.groups or state.phase is not Phase.INACTIVE
        }
        watch.evaluated, watch.error, watch.complete = now, "", measured.complete
        self._metrics.count("clew_alerts_evaluations", result="ok")

    def _note_error(self, watch: _Watch, reason: str) -> None:
        watch.error = reason
        self._metrics.count("clew_alerts_evaluations", result="error")
        log.error(
            "An alert rule could not be evaluated; its alerts keep their state.",
            rule=watch.rule.rule.name,
            error=reason,
        )

    def _outgoing(self, key: AlertKey, rule: Rule | None, told: tuple[Transition, ...]) -> list[Outgoing]:
        return [
            Outgoing(webhook, notification_of(transition, key, rule, base_url=self._base_url))
            for transition in told
            for webhook in transition.notify
        ]


def _of_group(measured: Measured | Failure, group: str, now: int) -> Measurement | Failure:
    if isinstance(measured, Failure):
        return measured
    if group in measured.groups:
        return measured.groups[group]
    if not measured.complete:
        return Failure("there are more groups than are measured, this one is not among them")
    return Measurement(0, 0, now, now)


def _alert_row(rule: CompiledRule, group: str, state: AlertState) -> Mapping[str, Any]:
    last = state.last
    return {
        "group_by": rule.rule.group_by,
        "group": group,
        "service": group if rule.rule.group_by == "service" else "",
        "state": state.phase.value,
        "since": format_time(state.since) if state.since else None,
        "value": last.share if last else None,
        "threshold": rule.rule.threshold,
        "events": last.events if last else None,
        "errors": last.errors if last else None,
        "note": state.note,
    }
