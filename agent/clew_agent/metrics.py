"""Every metric that Clew has, in one place: docs/reference.md is made of it.

OpenTelemetry instruments, exposed in the Prometheus format. Names follow OpenTelemetry's rules: counters are plain
nouns here and get `_total` from the exporter; units are UCUM. A drop is counted with its reason.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
from opentelemetry.metrics import _Gauge as Gauge

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

__all__ = ["COUNTERS", "GAUGES", "HISTOGRAMS", "PROGRAMS", "Instrument", "Metrics", "create_metrics"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric's unit, meaning and labels."""

    unit: str
    description: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of each label; none where they cannot be told beforehand."""


COUNTERS = {
    "clew_agent_read": Instrument("By", "Bytes of complete lines read from files."),
    "clew_agent_lines": Instrument("{line}", "Lines read from files."),
    "clew_agent_acknowledged": Instrument("By", "File bytes that the receiver has durably."),
    "clew_agent_sends": Instrument(
        "{request}",
        "Requests to the receiver, by result.",
        {"result": ("acknowledged", "refused", "unavailable")},
    ),
    "clew_agent_dropped": Instrument(
        "By", "File bytes given up, by reason.", {"reason": ("deleted", "held", "refused", "truncated")}
    ),
    "clew_agent_cut": Instrument("By", "Bytes cut off lines that were over the limit."),
    "clew_ingest_chunks": Instrument("{chunk}", "Chunks received and durable."),
    "clew_ingest_lines": Instrument(
        "{line}",
        "Lines and OTLP records received, by result; those accepted and the duplicates are durable.",
        {"result": ("accepted", "duplicate", "rejected")},
    ),
    "clew_ingest_refused": Instrument(
        "{request}",
        "Requests refused, by reason.",
        {
            "reason": (
                "bad_data",
                "disconnected",
                "encoding",
                "in_flight",
                "lag",
                "log_failed",
                "log_full",
                "media_type",
                "no_chunk",
                "no_heartbeat",
                "not_gzip",
                "too_large",
            )
        },
    ),
    "clew_consumer_events": Instrument(
        "{event}", "Events given to the store, by verdict.", {"verdict": ("created", "duplicate", "rejected")}
    ),
    "clew_store_requests": Instrument(
        "{request}",
        "Bulk requests to Elasticsearch, by what was decided about the answer.",
        {"result": ("items", "halve", "again", "fail")},
    ),
    "clew_consumer_retries": Instrument("{attempt}", "Attempts to write the store that failed and are repeated."),
    "clew_consumer_dead_letters": Instrument(
        "{letter}", "What was given up and kept as dead letters, by what it is.", {"content": ("line", "record")}
    ),
    "clew_query_requests": Instrument("{request}", "API requests, by route and status.", {"route": (), "status": ()}),
    "clew_stream_dropped": Instrument("{event}", "Events a live tail did not get because its reader was slow."),
    "clew_alerts_evaluations": Instrument("{evaluation}", "Rule evaluations, by result.", {"result": ("error", "ok")}),
    "clew_alerts_notifications": Instrument(
        "{request}", "Notifications sent, by result.", {"result": ("given_up", "retry", "sent")}
    ),
}
GAUGES = {
    "clew_agent_open_files": Instrument("{file}", "Files that the agent holds open."),
    "clew_agent_in_flight": Instrument("By", "Bytes read and not yet acknowledged."),
    "clew_consumer_lag": Instrument("By", "Log bytes that are not yet in the store."),
}
HISTOGRAMS = {
    "clew_agent_send_duration": Instrument("s", "How long the receiver took to acknowledge."),
    "clew_store_write_duration": Instrument("s", "How long the store took to take a batch."),
    "clew_query_duration": Instrument("s", "How long an API request took, by route.", {"route": ()}),
}

PROGRAMS = {
    "clew-agent": ("agent",),
    "clew-collector": ("ingest", "consumer", "store"),
    "clew-query": ("query",),
    "clew": ("ingest", "consumer", "store", "query", "stream", "alerts"),
}
"""Which parts of Clew each program is made of; a metric's part is the second word of its name."""


class Metrics:
    """A process's instruments, by name; a name that is not in this module is a KeyError. Thread-safe.

    Counters are added up here and read when somebody asks: an addition takes 0.5 us, by the SDK's own counter 8.
    """

    def __init__(self, meter: Meter) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[tuple[tuple[str, str], ...], int]] = {name: {} for name in COUNTERS}
        for name, i in COUNTERS.items():
            meter.create_observable_counter(name, [partial(self._read_counts, name)], i.unit, i.description)
        self._gauges: dict[str, Gauge] = {
            name: meter.create_gauge(name, i.unit, i.description) for name, i in GAUGES.items()
        }
        self._histograms: dict[str, Histogram] = {
            name: meter.create_histogram(name, i.unit, i.description) for name, i in HISTOGRAMS.items()
        }

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""
        counts = self._counts[name]
        key = tuple(sorted(labels.items()))
        with self._lock:
            counts[key] = counts.get(key, 0) + amount

    def level(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._gauges[name].set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Record a value in a histogram."""
        self._histograms[name].record(value, labels)

    def _read_counts(self, name: str, _options: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            counts = list(self._counts[name].items())
        return [Observation(count, dict(labels)) for labels, count in counts]


def create_metrics(program: str) -> tuple[Metrics, MeterProvider]:
    """Return the process's metrics and their provider, which is shut down at the end.

    They are registered with `prometheus_client`'s default registry, whose `generate_latest()` is `/metrics`. The
    program's own counters and gauges are there from the start, as 0: what has not happened yet can be watched for.
    """
    # Imported here: an agent whose metrics nobody asks for does not load the SDK.
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415

    provider = MeterProvider(
        metric_readers=[PrometheusMetricReader()],
        resource=Resource.create({SERVICE_NAME: program}),
        shutdown_on_exit=False,
    )
    metrics = Metrics(provider.get_meter("clew"))
    for name, labels in _known_series(PROGRAMS[program]):
        if name in COUNTERS:
            metrics.count(name, 0, **labels)
        else:
            metrics.level(name, 0)
    return metrics, provider


def _known_series(parts: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each counter and gauge of the parts, with each value of its label that is known beforehand."""
    for name, instrument in (COUNTERS | GAUGES).items():
        if name.split("_")[1] in parts:
            values = itertools.product(*instrument.labels.values())
            yield from ((name, dict(zip(instrument.labels, each, strict=True))) for each in values)
