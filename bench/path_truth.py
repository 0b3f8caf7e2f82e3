"""The truth of paths, how calls are judged by it, and what simple rules make of the same lines.

A span's invocation is the topmost ancestor reached without leaving its service; nodes are invocations that logged; an
invocation's parent is the nearest ancestor that logged, else none. A set has each pair of services of a transaction
once, a multiset once per invocation. F1 is over all transactions with two services or more, and leaves roots
out; the rates of exact trees count them. Calibration: calls by falling probability take what is
left of the multiset; ten equal bins.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clew_collector.event import Event

POD = re.compile(r"-[a-z0-9]{6,10}-[a-z0-9]{5}$")

Spans = dict[str, dict[str, tuple[str, str]]]
"""For each transaction, for each span its parent and its service."""
Edges = dict[str, list[tuple[str | None, str]]]
Calls = dict[str, list[tuple[str | None, str, float]]]


def read_spans(file: Path) -> Spans:
    """Return the spans of all transactions."""
    spans: Spans = {}
    with file.open() as lines:
        for row in csv.DictReader(lines):
            spans.setdefault(row["trace_id"], {})[row["span_id"]] = row["parent_id"], POD.sub("", row["pod"])
    return spans


def truth_of(events: Sequence[Event], span_ids: Sequence[str], spans: Spans) -> Edges:
    """Return the true calls between invocations that have a line here."""
    logged: dict[str, set[str]] = {}
    for event, span_id in zip(events, span_ids, strict=True):
        logged.setdefault(event.transaction_id, set()).add(span_id)
    return {name: _edges(ids, spans[name]) for name, ids in logged.items() if name in spans}


def _edges(logged: set[str], spans: dict[str, tuple[str, str]]) -> list[tuple[str | None, str]]:
    def entry(span: str) -> str:
        while spans[span][0] in spans and spans[spans[span][0]][1] == spans[span][1]:
            span = spans[span][0]
        return span

    nodes = {entry(span) for span in logged if span in spans}
    edges: list[tuple[str | None, str]] = []
    for node in sorted(nodes):
        at, caller = spans[node][0], None
        while at in spans:
            above = entry(at)
            if above in nodes:
                caller = spans[above][1]
                break
            at = spans[above][0]
        edges.append((caller, spans[node][1]))
    return edges


def _scores(hits: int, predicted: int, true: int) -> float:
    return 2 * hits / (predicted + true) if predicted + true else 0.0


def evaluate(truth: Edges, calls: Calls) -> dict[str, object]:
    """Return F1, rates of exact trees, expected calibration error and bins `(from, edges, mean probability, right)`."""
    multi, single = [0, 0, 0], [0, 0, 0]
    exact_multi = exact_single = judged = 0
    bins = [[0, 0.0, 0] for _ in range(10)]
    for name, edges in truth.items():
        if len({callee for _, callee in edges}) < 2:
            continue
        judged += 1
        found = calls.get(name, [])
        want, got = Counter(edges), Counter((a, b) for a, b, _ in found)
        exact_multi += want == got
        exact_single += set(want) == set(got)
        inner = {key: n for key, n in want.items() if key[0] is not None}
        told = {key: n for key, n in got.items() if key[0] is not None}
        multi = [multi[0] + sum((Counter(inner) & Counter(told)).values()), multi[1] + sum(told.values()),
                 multi[2] + sum(inner.values())]  # fmt: skip
        single = [single[0] + len(inner.keys() & told.keys()), single[1] + len(told), single[2] + len(inner)]
        for caller, callee, probability in sorted(found, key=lambda call: -call[2]):
            right = want[caller, callee] > 0
            want[caller, callee] -= right
            cell = bins[min(9, max(0, int(probability * 10)))]
            cell[0] += 1
            cell[1] += probability
            cell[2] += right
    total = max(1, sum(cell[0] for cell in bins))
    return {
        "transactions": judged,
        "set_f1": _scores(*single),
        "set_exact": exact_single / max(1, judged),
        "multiset_f1": _scores(*multi),
        "multiset_exact": exact_multi / max(1, judged),
        "ece": sum(abs(cell[1] - cell[2]) for cell in bins) / total,
        "bins": [
            (at / 10, cell[0], round(cell[1] / cell[0], 3), round(cell[2] / cell[0], 3))
            for at, cell in enumerate(bins)
            if cell[0]
        ],
    }


def baselines(transactions: dict[str, list[Event]]) -> dict[str, Calls]:
    """Return what three simple rules say; each takes a service for one invocation."""
    rules: dict[str, Calls] = {"sort by time": {}, "smallest interval": {}, "previous line": {}}
    for name, events in transactions.items():
        ordered = sorted(events, key=lambda event: (event.time, event.event_id))
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        for place, event in enumerate(ordered):
            first.setdefault(event.service, place)
            last[event.service] = place
        services = list(first)
        rules["sort by time"][name] = [
            (services[n - 1] if n else None, service, 1.0) for n, service in enumerate(services)
        ]
        rules["smallest interval"][name] = [(_enclosing(service, first, last), service, 1.0) for service in services]
        rules["previous line"][name] = [
            (ordered[first[service] - 1].service if first[service] else None, service, 1.0) for service in services
        ]
    return rules


def _enclosing(service: str, first: dict[str, int], last: dict[str, int]) -> str | None:
    around = [other for other in first if first[other] < first[service] and last[other] > last[service]]
    return min(around, key=lambda other: last[other] - first[other]) if around else None
