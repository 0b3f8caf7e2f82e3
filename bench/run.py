"""`make bench`: every figure that Clew promises, from one run on the real logs, in one table and as JSON in a file.

Each part is a bench of its own that runs by itself too; what it prints as JSON is what stands here. Ratios are between
figures of the same run. The machine's load is printed beside them: on a busy machine only CPU and ratios mean much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from real_logs import ROOT, unpack_trainticket

sys.path.append(str(ROOT))

from deploy.engines import EnginesUnavailable
from deploy.engines.places import java_home

BENCH = Path(__file__).resolve().parent
Figures = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` is None where nothing is promised."""

    part: str
    figure: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None


def at_least(part: str, figure: str, value: float, unit: str, goal: float) -> Row:
    return Row(part, figure, value, unit, f">= {goal:,g}", value >= goal)


def below(part: str, figure: str, value: float, unit: str, goal: float) -> Row:
    return Row(part, figure, value, unit, f"< {goal:,g}", value < goal)


def run_part(name: str, *arguments: str) -> Figures:
    """Run a bench as a program of its own, so that none sees another's memory; return the JSON objects it prints."""
    command = [sys.executable, str(BENCH / name), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}")
    figures: Figures = {}
    text = done.stdout.strip()
    while text:
        found, end = json.JSONDecoder().raw_decode(text)
        figures |= found
        text = text[end:].strip()
    return figures


def pipeline_rows(pipeline: Figures, store: Figures) -> Iterator[Row]:
    part = "file to searchable"
    ceiling, through = store["tantivy_alone"], store["embedded_store"]
    cpu = pipeline["cpu_s_per_million_lines"]
    yield at_least(part, "lines a second", pipeline["lines_per_s"], "lines/s", 25_000)
    yield Row(part, "bytes a second", pipeline["mb_per_s"], "MB/s")
    yield Row(part, "CPU for a million lines", cpu, "s")
    for process, seconds in pipeline["cpu_s"].items():
        yield Row(part, f"CPU of the {process} for a million lines", per_million(seconds, pipeline["lines"]), "s")
    for process, peak in pipeline["peak_mib"].items():
        yield Row(part, f"peak memory of the {process}", peak, "MiB")
    for place, size in pipeline["disk_bytes_per_line"].items():
        yield Row(part, f"disk of the {place}", size, f"bytes/line of {pipeline['raw_bytes_per_line']:g}")
    part = "tantivy alone"
    yield Row(part, "documents a second", ceiling["docs_per_s"], "docs/s")
    yield Row(part, "CPU for a million documents", ceiling["cpu_us_per_event"], "s")
    part = "ratio to tantivy alone"
    yield at_least(part, "file to searchable", round(pipeline["lines_per_s"] / ceiling["docs_per_s"], 2), "", 0.6)
    yield Row(part, "file to searchable, by CPU", round(ceiling["cpu_us_per_event"] / cpu, 2), "")
    yield Row(part, "the store", round(through["docs_per_s"] / ceiling["docs_per_s"], 2), "")
    yield Row(part, "the store, by CPU", round(ceiling["cpu_us_per_event"] / through["cpu_us_per_event"], 2), "")


def per_million(seconds: float, lines: int) -> float:
    return round(seconds / lines * 1e6, 1)


def latency_rows(latency: Figures) -> Iterator[Row]:
    appended, trace = latency["append_to_searchable_ms"], latency["trace_by_id"]
    part = "appended to searchable"
    yield Row(part, "p50", appended["p50"], "ms")
    yield below(part, "p99", appended["p99"], "ms", 1000)
    part = f"trace at {trace['events']:,} events"
    yield Row(part, "p50", trace["ms"]["p50"], "ms")
    yield below(part, "p99", trace["ms"]["p99"], "ms", 20)
    yield Row(part, "CPU of the server", trace["server_cpu_ms"], "ms")
    yield Row(part, "lines each", trace["lines_per_trace"], "lines")
    yield Row(part, "peak memory of the server", trace["server_peak_mib"], "MiB")


def span_rows(spans: Figures) -> Iterator[Row]:
    api = spans["api"]
    part = f"{api['spans']:,} spans by the API"
    yield below(part, "p50", api["wall_ms"]["p50"], "ms", 250)
    yield Row(part, "CPU", api["cpu_ms"], "ms")
    yield Row(part, "ratio to reading and writing them", round(api["ceiling_cpu_ms"] / api["cpu_ms"], 2), "by CPU")
    for shape, milliseconds in spans["path_cpu_ms"].items():
        yield Row("path of spans, CPU", shape, milliseconds, "ms")


def agent_rows(agent: Figures) -> Iterator[Row]:
    part, plain, default = "agent alone", agent["json"]["uncompressed"], agent["json"]["zstd"]
    yield at_least(part, "bytes for a second of CPU", default["mb_per_cpu_s"], "MB/CPU-s", 150)
    yield Row(part, "the same, uncompressed", plain["mb_per_cpu_s"], "MB/CPU-s")
    yield Row(part, "ratio to read, split and zstd", default["ratio"], "")
    yield below(part, "peak memory", max(plain["peak_mib"], default["peak_mib"]), "MiB", 64)


def kafka_rows(kafka: Figures) -> Iterator[Row]:
    agent, collector, appended = kafka["agent"], kafka["collector"], kafka["appended_to_searchable_ms"]
    part = "agent to Kafka"
    yield at_least(part, "bytes for a second of CPU", agent["mb_per_cpu_s"], "MB/CPU-s", 120)
    yield Row(part, "ratio to ready-made batches", agent["ratio"], "by CPU")
    yield Row(part, "peak memory", agent["peak_mib"], "MiB")
    part = "Kafka to Elasticsearch"
    yield Row(part, "events a second", collector["events_per_s"], "events/s")
    yield at_least(part, "ratio to raw _bulk", collector["ratio"], "", 0.9)
    yield below(part, "CPU of the collector for a million events", collector["collector_cpu_us_per_event"], "s", 20)
    yield below(part, "peak memory of the collector", collector["collector_peak_mib"], "MiB", 256)
    part = "appended, Kafka, searched"
    yield Row(part, "p50", appended["p50"], "ms")
    yield below(part, "p99", appended["p99"], "ms", 2000)


def why_no_engines() -> str:
    """Return why Kafka and Elasticsearch cannot run here; empty if they can."""
    try:
        java_home()
    except EnginesUnavailable as unavailable:
        return str(unavailable)
    return ""


def measure(folder: Path, times: int, agent_megabytes: int) -> tuple[list[Row], Figures]:
    figures: Figures = {}
    rows: list[Row] = []

    def take(name: str, what: str, *arguments: str) -> Figures:
        began = time.monotonic()
        print(f"• {what} ...", file=sys.stderr, flush=True)
        figures[name] = run_part(f"{name}.py", *arguments)
        load = os.getloadavg()[0]
        print(f"  {time.monotonic() - began:.0f} s, load {load:.1f}", file=sys.stderr, flush=True)
        figures[name]["load_1min"] = round(load, 1)
        return dict(figures[name])

    unpacked = ("--folder", str(folder))
    store = take("store", "tantivy alone, then the store, on the same documents", *unpacked)
    pipeline = take("pipeline", "files to searchable: clew up --once", *unpacked)
    rows += pipeline_rows(pipeline, store)
    latency = take("latency", f"latencies; {times} days in the store", *unpacked, "--times", str(times))
    rows += latency_rows(latency)
    rows += span_rows(take("spans", "huge transactions of spans"))
    rows += agent_rows(take("agent", "the agent alone", "--kind", "json", "--megabytes", str(agent_megabytes)))
    if reason := why_no_engines():
        print(f"• Kafka and Elasticsearch are not measured: {reason}", file=sys.stderr, flush=True)
    else:
        megabytes = ("--megabytes", str(agent_megabytes))
        rows += kafka_rows(take("kafka", "agent, Kafka, collector, Elasticsearch", *unpacked, *megabytes))
    return rows, figures


def print_table(rows: list[Row], say: Callable[[str], None] = print) -> None:
    verdicts = {None: "", True: "met", False: "MISSED"}
    say(f"{'':<26}{'':<38}{'':>12} {'':<26}{'goal':<12}")
    last = ""
    for row in rows:
        part, last = ("" if row.part == last else row.part), row.part
        say(f"{part:<26}{row.figure:<38}{row.value:>12,g} {row.unit:<26}{row.goal:<12}{verdicts[row.met]}".rstrip())


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="unpacked TrainTicket (hosts/...), else the archive is unpacked")
    parser.add_argument("--times", type=int, default=6, help="days in the store for traces (6 are a million events)")
    parser.add_argument("--agent-megabytes", type=int, default=1000, help="the size of the agents' file")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="where the figures go as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or unpack_trainticket(Path(scratch) / "logs")
        rows, figures = measure(folder, arguments.times, arguments.agent_megabytes)
    about = {"commit": commit(), "cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)}
    print_table(rows)
    print(
        f"\n{about['cores']} cores, load {about['load_1min']}, commit {about['commit']}; all figures: {arguments.out}"
    )
    arguments.out.write_text(json.dumps({**about, "rows": [asdict(row) for row in rows], "parts": figures}, indent=1))


if __name__ == "__main__":
    main()
