"""What a rule would have told about the past: the same measuring and deciding, step by step over stored events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from clew_query.errors import RuleError
from clew_query.times import format_time

from .decide import AlertState, Measurement, Transition, decide
from .duration import format_duration
from .measure import Counts, measure
from .rule import CompiledRule

__all__ = ["ApiCounts", "backtest"]

STEPS_MAX = 20_000
API_GROUPS_MAX = 999


class ApiCounts:
    """Counts asked of a server; `ask` is `clew_query.client.Client.get`."""

    def __init__(self, ask: Callable[..., Awaitable[Any]]) -> None:
        self._ask = ask

    async def group(self, rule: CompiledRule, *, errors: bool, start: int, end: int, limit: int) -> dict[str, int]:
        """Return events (or only the errors) by group; as `Counts`."""
        texts = [rule.rule.query, *([rule.rule.errors] if errors else [])]
        answer = await self._ask(
            "/events/facets",
            query=" AND ".join(f"({text})" for text in texts if text.strip()),
            field=rule.rule.group_by,
            from_=format_time(start),
            to=format_time(end),
            limit=limit,
        )
        return {value["value"]: value["count"] for value in answer["values"]}


async def backtest(counts: Counts, rule: CompiledRule, start: int, end: int) -> AsyncIterator[tuple[str, Transition]]:
    """Yield each group's fires and resolves between the times, ns UTC, as they would have come.

    Raises RuleError when that are more than `STEPS_MAX` evaluations.
    """
    step = round(rule.rule.interval * 1e9)
    if (end - start) // step > STEPS_MAX:
        raise RuleError(
            f"{rule.rule.name}: {(end - start) // step} evaluations every {format_duration(rule.rule.interval)} are"
            f" more than {STEPS_MAX}",
            hint="choose a shorter range with --from and --to, or a longer interval",
        )
    states: dict[str, AlertState] = {}
    for now in range(start + step, end + step, step):
        measured = await measure(counts, rule, now, groups_max=API_GROUPS_MAX)
        for group in {**states, **measured.groups}:
            if group not in measured.groups and not measured.complete:
                continue
            measurement = measured.groups.get(group, Measurement(0, 0, now, now))
            states[group], told = decide(states.get(group, AlertState()), measurement, rule.rule, now)
            for transition in told:
                yield group, transition
