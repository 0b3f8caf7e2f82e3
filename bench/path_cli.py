"""Paths from logs alone through the programs that people run: `clew up --once`, then `clew trace --all --json`.

The span ids are cut out of the files before anything reads them. The figures are to be those of `path.py`, which asks
the inference directly. `--judge PROGRAM` has another program judge the same answers, run as
`PROGRAM SPANS_CSV HOSTS_FOLDER ANSWERS_JSONL` with the files as they were before the cut.
`python bench/path_cli.py [--system TT|OB] [--judge PROGRAM]`; CLEW_DATA names the folder of the data.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from path import SYSTEMS, load, show
from path_truth import Calls, evaluate, truth_of
from real_logs import write_config

SPAN_ID = re.compile(rb" SpanID: [0-9a-f]{16}")
CLEW = [sys.executable, "-m", "clew_agent"]


class Call(msgspec.Struct, rename={"caller": "from", "callee": "to"}):
    caller: str | None
    callee: str
    probability: float


class Transaction(msgspec.Struct):
    transaction_id: str
    calls: list[Call]


def cut(original: Path, into: Path) -> Path:
    """Copy the logs without their span ids; return the configuration beside them."""
    for file in sorted((original / "hosts").glob("*/*.log")):
        target = into / file.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(SPAN_ID.sub(b"", file.read_bytes()))
    return write_config(into)


def answers(config: Path, data: Path, file: Path) -> None:
    """Store and learn, then write every transaction's answer, one a line."""
    subprocess.run([*CLEW, "up", "--once", "--config", config, "--data", data, "--json"], check=True)
    with file.open("wb") as out:
        subprocess.run([*CLEW, "trace", "--all", "--json", "--data", data], check=True, stdout=out)


def read_calls(file: Path) -> Iterator[tuple[str, list[tuple[str | None, str, float]]]]:
    decoder = msgspec.json.Decoder(Transaction)
    with file.open("rb") as lines:
        for line in lines:
            transaction = decoder.decode(line)
            yield transaction.transaction_id, [(c.caller, c.callee, c.probability) for c in transaction.calls]


def run(name: str, folder: Path, judge: Path | None) -> None:
    original, file = folder / "original", folder / "answers.jsonl"
    system = load(name, original)
    truth = truth_of(system.events, system.span_ids, system.spans)
    started = time.monotonic()
    answers(cut(original, folder / "cut"), folder / "data", file)
    seconds = time.monotonic() - started
    calls: Calls = dict(read_calls(file))
    show({"system": name, "case": f"through the programs, {seconds:.0f} s", **evaluate(truth, calls)})
    if judge is not None:
        subprocess.run([sys.executable, judge, original / "spans.csv", original / "hosts", file, "--json"], check=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=sorted(SYSTEMS), action="append")
    parser.add_argument("--judge", type=Path, help="a program that judges the answers, too")
    given = parser.parse_args(arguments)
    for name in given.system or ["OB", "TT"]:
        with tempfile.TemporaryDirectory() as folder:
            run(name, Path(folder), given.judge)


if __name__ == "__main__":
    main(sys.argv[1:])
