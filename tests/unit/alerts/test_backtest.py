from typing import Any

import pytest

from clew_query.alerts.backtest import ApiCounts, backtest
from clew_query.alerts.decide import Status
from clew_query.alerts.rule import CompiledRule, Rule
from clew_query.errors import RuleError

SECOND = 1_000_000_000
RULE = CompiledRule(
    Rule.model_validate({"name": "r", "threshold": 0.1, "window": "10s", "for": "30s", "interval": "10s"})
)


class Past:
    """`payments` fails between 100 s and 200 s; `orders` never does."""

    async def group(self, rule: CompiledRule, *, errors: bool, start: int, end: int, limit: int) -> dict[str, int]:
        failing = 100 * SECOND < end <= 200 * SECOND
        return {"payments": 50 if failing else 0, "orders": 1} if errors else {"payments": 100, "orders": 100}


async def test_the_past_is_told_as_it_would_have_been() -> None:
    told = [
        (group, t.status, t.starts_at // SECOND, t.ends_at)
        async for group, t in backtest(Past(), RULE, 0, 300 * SECOND)
    ]

    assert told == [
        ("payments", Status.FIRING, 140, None),
        ("payments", Status.RESOLVED, 140, 210 * SECOND),
    ]


async def test_too_many_steps_are_refused() -> None:
    with pytest.raises(RuleError, match="more than 20000"):
        _ = [told async for told in backtest(Past(), RULE, 0, 10 * 86400 * SECOND)]


async def test_a_server_is_asked_with_both_queries_joined() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def ask(path: str, **parameters: Any) -> dict[str, Any]:
        asked.append((path, parameters))
        return {"values": [{"value": "payments", "count": 7}]}

    rule = CompiledRule(Rule(name="r", query="host:a OR host:b", errors="status>=500"))
    counted = await ApiCounts(ask).group(rule, errors=True, start=0, end=SECOND, limit=5)

    assert counted == {"payments": 7}
    assert asked == [
        (
            "/events/facets",
            {
                "query": "(host:a OR host:b) AND (status>=500)",
                "field": "service",
                "from_": "1970-01-01T00:00:00.000000000Z",
                "to": "1970-01-01T00:00:01.000000000Z",
                "limit": 5,
            },
        )
    ]
