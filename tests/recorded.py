"""Metrics that tests can read."""

from __future__ import annotations

from collections import Counter

from opentelemetry.sdk.metrics import MeterProvider

from clew_agent.metrics import COUNTERS, GAUGES, HISTOGRAMS, Metrics

__all__ = ["RecordedMetrics"]


class RecordedMetrics(Metrics):
    """Keeps every count and level; names are checked as the real ones are."""

    def __init__(self) -> None:
        super().__init__(MeterProvider(shutdown_on_exit=False).get_meter("test"))
        self.counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self.levels: dict[str, float] = {}

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        assert name in COUNTERS
        self.counts[name, tuple(sorted(labels.items()))] += amount

    def level(self, name: str, value: float) -> None:
        assert name in GAUGES
        self.levels[name] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        assert name in HISTOGRAMS
