"""From files to searchable on the embedded store: `clew up --once` on TrainTicket, as one process tree.

Lines a second are those of its account: from the agent's start until the last line is searchable. CPU is that of
server and agent, start and end included; that of learning paths, which follows the account, stands by itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Watch
from real_logs import unpack_trainticket, write_config


def measure(folder: Path, data: Path) -> dict[str, object]:
    """Run once and return the figures."""
    config = write_config(folder)
    size = sum(file.stat().st_size for file in (folder / "hosts").glob("*/*.log"))
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "clew_agent", "up", "--once", "--config", config, "--data", data, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    watch = Watch(process)
    out, _ = process.communicate()
    wall = time.monotonic() - started
    usage = watch.finish()
    if process.returncode:
        raise SystemExit(f"clew up ended with {process.returncode}: {out.decode()}")
    account = json.loads(out)
    lines, seconds = account["lines_stored"], account["seconds"]
    disk = {part: sum(f.stat().st_size for f in (data / part).rglob("*") if f.is_file()) for part in ("log", "store")}
    cpu = usage["server"].cpu_s + usage["agent"].cpu_s
    return {
        "lines": lines,
        "wall_s": round(wall, 2),
        "lines_per_s": round(lines / seconds),
        "mb_per_s": round(size / seconds / 1e6, 1),
        "cpu_s_per_million_lines": round(cpu / lines * 1e6, 1),
        "cpu_s": {name: round(u.cpu_s, 2) for name, u in usage.items()},
        "peak_mib": {name: round(u.peak_mib, 1) for name, u in usage.items()},
        "disk_bytes_per_line": {part: round(n / lines, 1) for part, n in disk.items()},
        "raw_bytes_per_line": round(size / lines, 1),
        "account": account,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="unpacked TrainTicket (hosts/...), else the archive is unpacked")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or unpack_trainticket(Path(scratch) / "logs")
        print(json.dumps(measure(folder, Path(scratch) / "data"), indent=1))


if __name__ == "__main__":
    main()
