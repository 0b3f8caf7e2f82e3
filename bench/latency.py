"""How long an answer takes: line appended -> searchable, and `GET /transactions/{id}` at a million events."""

from __future__ import annotations

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import httpx
from processes import Watch, cpu_s, wait_for_url
from real_logs import multiply, unpack_trainticket, write_config

APPENDS = 100
TRACES = 1000
SEED = 20230129


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    pick = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: round(1000 * ordered[int(share * (len(ordered) - 1))], 2) for name, share in pick.items()} | {
        "max": round(1000 * ordered[-1], 2)
    }


def start(config: Path, data: Path, *extra: str) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    command = [sys.executable, "-m", "clew_agent", "up", "--config", config, "--data", data]
    process = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}", *extra], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    wait_for_url(process, f"{url}/readyz", 120)
    return process, url


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def append_to_searchable(scratch: Path) -> dict[str, float]:
    """Append a line with a new id, ask until it is found; milliseconds."""
    file = scratch / "live.log"
    file.write_text("begin\n")
    config = scratch / "live.yaml"
    config.write_text(f"sources: [{{paths: ['{file}'], service: live}}]\n")
    process, url = start(config, scratch / "live-data")
    rng, waits = random.Random(SEED), []
    try:
        with httpx.Client(base_url=url) as client, file.open("a", buffering=1) as log:
            for _ in range(APPENDS):
                name = UUID(int=rng.getrandbits(128), version=4).hex
                appended = time.monotonic()
                log.write(json.dumps({"level": "info", "trace_id": name, "msg": "hello"}) + "\n")
                while client.get("/api/v1/events", params={"query": f"transaction_id:{name}"}).json()["total"] == 0:
                    if time.monotonic() - appended > 30:
                        raise SystemExit("a line did not become searchable within 30 s")
                    time.sleep(0.005)
                waits.append(time.monotonic() - appended)
                time.sleep(rng.random() * 0.3)
    finally:
        stop(process)
    return quantiles(waits)


def trace_by_id(folder: Path, scratch: Path, times: int) -> dict[str, object]:
    """Fill the store with `times` days, then ask for random transactions; milliseconds."""
    many = multiply(folder, scratch / "many", times)
    config, data = write_config(many), scratch / "many-data"
    command = [sys.executable, "-m", "clew_agent", "up", "--once", "--config", config, "--data", data, "--json"]
    filled = subprocess.run(command, check=True, capture_output=True)
    process, url = start(config, data)
    watch, rng = Watch(process), random.Random(SEED)
    try:
        with httpx.Client(base_url=url, timeout=30) as client:
            listed = client.get("/api/v1/transactions", params={"limit": 10_000}).json()["transactions"]
            names = [row["transaction_id"] for row in listed]
            waits, lines = [], 0
            cpu_before = cpu_s(process.pid)
            for name in rng.choices(names, k=TRACES):
                asked = time.perf_counter()
                answer = client.get(f"/api/v1/transactions/{name}")
                waits.append(time.perf_counter() - asked)
                answer.raise_for_status()
                lines += answer.json()["total"]
            server_cpu_ms = 1000 * (cpu_s(process.pid) - cpu_before) / TRACES
    finally:
        stop(process)
    return {
        "events": json.loads(filled.stdout)["lines_stored"],
        "lines_per_trace": round(lines / TRACES, 1),
        "ms": quantiles(waits),
        "server_cpu_ms": round(server_cpu_ms, 2),
        "server_peak_mib": round(watch.finish()["server"].peak_mib, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="unpacked TrainTicket (hosts/...), else the archive is unpacked")
    parser.add_argument("--times", type=int, default=6, help="how many days side by side (6 are a million events)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        print(json.dumps({"append_to_searchable_ms": append_to_searchable(scratch)}), flush=True)
        folder = arguments.folder or unpack_trainticket(scratch / "logs")
        print(json.dumps({"trace_by_id": trace_by_id(folder, scratch, arguments.times)}))


if __name__ == "__main__":
    main()
