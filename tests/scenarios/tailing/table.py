"""Play every scenario with every tailer that is here, and print what became of the lines, side by side.

`python -m tests.scenarios.tailing.table [--full] [--write docs/tailing.md] [NUMBER...]`
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.scenarios.tailing.catalogue import SCENARIOS, Scenario
from tests.scenarios.tailing.clew_program import ClewProgram
from tests.scenarios.tailing.playing import Variant, play
from tests.scenarios.tailing.programs import Program
from tests.scenarios.tailing.rsyslog_program import RsyslogProgram, rsyslog_is_here

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
MODES = {"inotify": False, "polling": True}


def cell(scenario: Scenario, make: Callable[[Path], Program], *, polling: bool, full: bool) -> str:
    """Return what became of the lines; a star where it is not what the scenario demands."""
    with tempfile.TemporaryDirectory(prefix="tailing-") as folder:
        variant = Variant(polling=polling, experienced=False, files=1)
        try:
            verdict = play(scenario, make, variant, Path(folder), full=full)
        except (OSError, AssertionError, ValueError) as error:
            return f"**failed: {type(error).__name__}**"
    return str(verdict) if verdict.holds(scenario.tier) else f"**{verdict}**"


def main() -> None:
    """Print, or write into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the counts of the requirements")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("numbers", nargs="*", default=[])
    arguments = parser.parse_args()
    programs: dict[str, Callable[[Path], Program]] = {"Clew": ClewProgram}
    if rsyslog_is_here():
        programs["rsyslog"] = RsyslogProgram
    columns = [(f"{name}, {mode}", make, polling) for name, make in programs.items() for mode, polling in MODES.items()]
    chosen = [SCENARIOS[number] for number in arguments.numbers or SCENARIOS]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        cells = {
            (scenario.number, name): pool.submit(cell, scenario, make, polling=polling, full=arguments.full)
            for scenario in chosen
            for name, make, polling in columns
        }
        rows = [
            [scenario.number, scenario.title, scenario.tier.value]
            + [cells[scenario.number, name].result() for name, _, _ in columns]
            for scenario in chosen
        ]
    header = ["#", "scenario", "demanded", *(name for name, _, _ in columns)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])
    if not rsyslog_is_here():
        table += "\n\nrsyslog (packages rsyslog and rsyslog-relp) is not installed here and was left out."
    print(table)
    if arguments.write:
        page = arguments.write.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        arguments.write.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
