"""Paths from logs alone against the spans' truth: accuracy, calibration, speed, for every skew and share of lost lines.

Two real systems, and made-up ones of 3 to 300 services (`generated/`). The span ids are cut out of the lines; learning
sees nothing of the spans. Definitions: `path_truth.py`. CLEW_DATA names the folder of the real data.
`python bench/path.py [--system TT|OB|3|12|50|300]... [--only WORD]... [--json FILE]`
`python bench/path.py --ablation [--system 12]... [--seed N]...` turns what made-up systems do off and on, one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from generated import EVERYTHING, NOTHING, Features, draw, play
from path_truth import POD, Calls, Edges, Spans, baselines, evaluate, read_spans, truth_of
from store import read_events

from clew_collector.event import Event
from clew_query.path.adjusted import adjust
from clew_query.path.learned import LearnedInference, Model, learn

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = {"TT": "trainticket-2023-01-29", "OB": "onlineboutique-2022-08-22"}
"""Real ones, and what their archives are called."""
MADE_UP = {"3": range(1, 9), "12": range(1, 5), "50": range(1, 3), "300": range(1, 2)}
"""By number of services the seeds: small systems differ much."""
AGENT_SIGMA_NS = 1e6
SCORES = ("set_f1", "set_exact", "multiset_f1", "multiset_exact", "ece")


@dataclass(frozen=True)
class System:
    """Its events with span ids cut out, and the truth."""

    name: str
    events: list[Event]
    span_ids: list[str]
    spans: Spans


@dataclass(frozen=True)
class Case:
    """What is done to the lines, and which transactions are learned from and measured on."""

    name: str
    skew_ns: float = 0.0
    agents: bool = False
    dropped: float = 0.0
    learned_on: float = 0
    """How many of the first transactions are learned from and left out of the measurement; below 1 a share; 0: all."""
    seed: int = 1
    beside: bool = False
    """Whether simple rules are measured too."""


CASES = [
    Case("zero skew", beside=True),
    Case("half", learned_on=0.5),
    Case("5 ms, agents", skew_ns=5e6, agents=True),
    Case("500 ms, agents", skew_ns=5e8, agents=True),
    Case("5 s, agents", skew_ns=5e9, agents=True),
    Case("5 ms, nothing known", skew_ns=5e6),
    Case("500 ms, nothing known", skew_ns=5e8),
    Case("5 s, nothing known", skew_ns=5e9),
    Case("10 % dropped", dropped=0.1),
    Case("30 % dropped", dropped=0.3),
    Case("50 % dropped", dropped=0.5),
    Case("learned on 10", learned_on=10),
    Case("learned on 100", learned_on=100),
    Case("learned on 1000", learned_on=1000),
]
HALF = Case("half", learned_on=0.5, beside=True)
"""What made-up systems are measured by: there is enough of them."""


def load(name: str, folder: Path) -> System:
    """Unpack a system and read its lines as the collector would."""
    data = Path(os.environ.get("CLEW_DATA") or ROOT.parent / "shared" / "data")
    archive = data / f"{SYSTEMS[name]}.tar.xz"
    if not archive.is_file():
        raise SystemExit(f"there is no {archive}; CLEW_DATA names the folder of the real logs")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    events: list[Event] = []
    span_ids: list[str] = []
    for event in read_events(folder):
        span_ids.append(event.span_id)
        pod = Path(event.source).name.removesuffix("_server.log")
        events.append(
            msgspec.structs.replace(event, service=POD.sub("", pod), instance=pod, span_id="", parent_span_id="")
        )
    return System(name, events, span_ids, read_spans(folder / "spans.csv"))


def make_up(services: int, features: Features, seed: int, transactions: int) -> System:
    """Make up a system and let so many transactions run through it."""
    played = play(draw(services, features, seed=seed), transactions)
    return System(f"{services} services", played.events, played.span_ids, played.spans)


def ablated() -> Iterator[tuple[str, Features]]:
    """Yield everything, everything but one feature, nothing, nothing but one feature."""
    yield "everything", EVERYTHING
    for name in Features.names():
        yield f"without {name}", EVERYTHING.without(name)
    yield "nothing", NOTHING
    for name in Features.names():
        yield f"only {name}", EVERYTHING.only(name)


def spoiled(system: System, case: Case) -> tuple[list[Event], list[str], dict[str, float]]:
    """Return the lines as the case has them, their span ids, and what agents know of the hosts' clocks."""
    random = np.random.default_rng(case.seed)
    hosts = sorted({event.host for event in system.events})
    skew = dict(zip(hosts, random.uniform(-case.skew_ns, case.skew_ns, len(hosts)).tolist(), strict=True))
    error = random.normal(0, AGENT_SIGMA_NS, len(hosts)).tolist()
    known = {host: skew[host] + e for host, e in zip(hosts, error, strict=True)} if case.agents else {}
    kept = random.random(len(system.events)) >= case.dropped
    events, span_ids = [], []
    for event, span_id, keep in zip(system.events, system.span_ids, kept.tolist(), strict=True):
        if keep:
            shift = round(skew[event.host])
            if shift:
                event = msgspec.structs.replace(  # noqa: PLW2901
                    event, timestamp=event.time + shift, original=b""
                )  # the time of day within the line would give the skew away
            events.append(event)
            span_ids.append(span_id)
    return events, span_ids, known


def by_transaction(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Return the transactions in the order of their first lines."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.transaction_id, []).append(event)
    return dict(sorted(found.items(), key=lambda item: min(event.time for event in item[1])))


def predict(model: Model, transactions: dict[str, list[Event]]) -> tuple[Calls, float, int]:
    """Return the calls of each transaction, the seconds that took, and how many different ones there were."""
    inference = LearnedInference(model)
    found: Calls = {}
    clocks = model.clocks()
    prepared = {name: adjust(events, clocks).facts for name, events in transactions.items()}
    start = time.process_time()
    for name, facts in prepared.items():
        inferred = inference.infer(facts)
        service = {number: e.service for e, number in zip(facts.events, inferred.invocation, strict=True)}
        found[name] = [
            (None if link.parent is None else service[link.parent], service[number], link.probability)
            for number, link in enumerate(inferred.links)
        ]
    return found, time.process_time() - start, inference.decoded


def run(system: System, case: Case) -> dict[str, object]:
    """Learn, predict and measure one case."""
    events, span_ids, known = spoiled(system, case)
    truth = truth_of(events, span_ids, system.spans)
    transactions = by_transaction(events)
    names = list(transactions)
    first = round(case.learned_on if case.learned_on >= 1 else case.learned_on * len(names))
    sample = [transactions[name] for name in (names[:first] if first else names)]
    start = time.process_time()
    model = learn(sample, known_offsets=known or None)
    learned_s = time.process_time() - start
    measured = {name: transactions[name] for name in names[first:]}
    calls, seconds, different = predict(model, measured)
    judged: Edges = {name: edges for name, edges in truth.items() if name in measured}
    row: dict[str, object] = {"system": system.name, "case": case.name, **evaluate(judged, calls)}
    row["learning_cpu_s"] = round(learned_s, 1)
    row["ms_per_transaction"] = round(1e3 * seconds / max(1, len(measured)), 2)
    row["ms_per_different"] = round(1e3 * seconds / max(1, different), 2)
    row["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if case.beside:
        row["baselines"] = {name: evaluate(judged, found) for name, found in baselines(measured).items()}
    return row


def show(row: dict[str, Any]) -> None:
    """Print one row of the table."""
    shown = [
        f"{row['system']:12s} {row['case']:28s}",
        f"set {row['set_f1']:.4f} / {row['set_exact']:.4f}",
        f"multiset {row['multiset_f1']:.4f} / {row['multiset_exact']:.4f}",
        f"ECE {row['ece']:.4f}",
    ]
    if "learning_cpu_s" in row:
        shown.append(
            f"learning {row['learning_cpu_s']} s of CPU, {row['ms_per_transaction']} ms, {row['peak_mib']} MiB"
        )
    if "worst" in row:
        shown.append(f"worst {row['worst']}")
    if bins := [b for b in row.get("bins", []) if 0.1 <= b[0] < 0.9 and b[1] >= 50]:
        shown.append(f"bins {bins}")
    print(" | ".join(shown), flush=True)
    for name, found in row.get("baselines", {}).items():
        show({"system": row["system"], "case": f"  {name}", **found})


def asked(given: argparse.Namespace) -> Iterator[tuple[System, list[Case]]]:
    """Yield each system asked for and its cases."""
    for name in given.system or (["12"] if given.ablation else ["OB", "TT", *MADE_UP]):
        if name in MADE_UP:
            for what, features in ablated() if given.ablation else [("half", EVERYTHING)]:
                for seed in given.seed or MADE_UP[name]:
                    yield (
                        make_up(int(name), features, seed, given.transactions),
                        [replace(HALF, name=f"{what}, seed {seed}")],
                    )
        else:
            with tempfile.TemporaryDirectory() as folder:
                system = load(name, Path(folder))
            yield system, [case for case in CASES if name != "OB" or case.name != "learned on 1000"]


def means(rows: Sequence[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yield for each kind of made-up systems the mean of its seeds, and which of them was read worst."""
    groups: dict[tuple[object, str], list[dict[str, object]]] = {}
    for row in rows:
        name, seeded, _ = str(row["case"]).rpartition(", seed ")
        if seeded:
            groups.setdefault((row["system"], name), []).append(row)
    for (system, name), own in groups.items():
        worst = min(own, key=lambda row: float(row["set_f1"]))  # type: ignore[arg-type]
        case = f"{name}, mean of {len(own)}"
        told = f"{worst['set_f1']:.4f} ({worst['case']})"
        yield {"system": system, "case": case, **mean(own), "worst": told, "baselines": mean_of_rules(own)}


def mean(rows: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Return the mean of each score."""
    return {score: sum(row[score] for row in rows) / len(rows) for score in SCORES}


def mean_of_rules(rows: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Return the mean of each score of each simple rule."""
    return {rule: mean([row["baselines"][rule] for row in rows]) for rule in rows[0]["baselines"]}


def main(arguments: Sequence[str]) -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=[*MADE_UP, *SYSTEMS], action="append")
    parser.add_argument("--only", action="append", help="cases whose name contains this")
    parser.add_argument("--seed", type=int, action="append", help="of made-up systems")
    parser.add_argument("--transactions", type=int, default=2_000, help="of a made-up system")
    parser.add_argument("--ablation", action="store_true", help="of made-up systems; 12 services unless told")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    rows = []
    for system, cases in asked(given):
        for case in cases:
            if not given.only or any(word in case.name for word in given.only):
                row = run(system, case)
                rows.append(row)
                show(row)
                if given.json:
                    given.json.write_text(json.dumps(rows, indent=1))
    for row in means(rows):
        show(row)


if __name__ == "__main__":
    main(sys.argv[1:])
