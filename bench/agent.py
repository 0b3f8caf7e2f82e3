"""The agent alone: one big file to a discarding HTTP sink. MB per CPU-second, beside the raw ceiling of the same run.

The ceiling is what no agent in this language can go above: read the file, split it into lines, compress it by zstd.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

MIB = 1 << 20
CEILING_READ_BYTES = MIB // 8
LINES_OF_A_BLOCK = 3_000
WORDS = ("order placed for customer", "payment accepted by gateway", "shipped to warehouse", "retry after timeout")


def json_line(n: int, luck: random.Random) -> str:
    """Return a line of about 333 bytes as structlog and OpenTelemetry write it, with ids."""
    return json.dumps(
        {
            "timestamp": f"2026-11-24T12:{n // 60 % 60:02}:{n % 60:02}.{luck.randrange(10**6):06}Z",
            "level": luck.choice(["info", "info", "info", "warning", "error"]),
            "logger": "shop.orders.api",
            "message": " ".join(luck.choices(WORDS, k=2)),
            "trace_id": f"{luck.getrandbits(128):032x}",
            "span_id": f"{luck.getrandbits(64):016x}",
            "http": {"method": "POST", "status": 201, "path": f"/orders/{luck.randrange(10**9)}"},
            "customer": f"c-{luck.randrange(10**8)}",
            "duration_ms": luck.randrange(1000),
        },
        separators=(",", ":"),
    )


def plain_line(n: int, luck: random.Random) -> str:
    """Return a line of about 333 bytes without any id."""
    time_of_day = f"2026-11-24 12:{n // 60 % 60:02}:{n % 60:02},{luck.randrange(1000):03}"
    head = f"{time_of_day} INFO  [worker-{luck.randrange(32)}] com.example.shop.orders.OrderService - "
    return head + " ".join(luck.choices(WORDS, k=9)) + f" in {luck.randrange(10**6)} ms"


KINDS: dict[str, Callable[[int, random.Random], str]] = {"json": json_line, "plain": plain_line}


def write_lines(path: Path, kind: str, megabytes: int) -> int:
    """Write the file, each block of lines with other ids; return how many lines."""
    luck = random.Random(7)
    lines = 0
    with path.open("w") as file:
        while file.tell() < megabytes * 10**6:
            file.writelines(KINDS[kind](lines + i, luck) + "\n" for i in range(LINES_OF_A_BLOCK))
            lines += LINES_OF_A_BLOCK
    return lines


def serve_sink() -> None:
    """Take every request, keep nothing, say 200; until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_discard, args=(connection,), daemon=True).start()


def _discard(connection: socket.socket) -> None:
    body = b'{"accepted":0,"duplicate":0}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    scratch = bytearray(MIB)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb", buffering=MIB) as stream:
        while stream.readline():
            length = 0
            while (header := stream.readline().strip()) != b"":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            while length:
                length -= stream.readinto(memoryview(scratch)[: min(length, MIB)])
            connection.sendall(answer)


def run_agent(file: Path, port: int, scratch: Path, settings: dict[str, Any]) -> dict[str, float]:
    """Ship the file once with `clew agent run --once`; return what it took, by the kernel's account."""
    data = Path(tempfile.mkdtemp(dir=scratch))
    config = data / "agent.yaml"
    content = {"sources": [{"paths": [str(file)]}], "server": f"http://127.0.0.1:{port}", "data": str(data / "agent")}
    config.write_text(json.dumps({**content, **settings}))
    began = time.monotonic()
    command = [sys.executable, "-m", "clew_agent", "agent", "run", "--once", "--config", config]
    process = subprocess.Popen(command, env=installed(scratch))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the agent ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    megabytes = file.stat().st_size / 1e6
    return {
        "wall_s": round(time.monotonic() - began, 2),
        "cpu_s": round(cpu_s, 2),
        "mb_per_cpu_s": round(megabytes / cpu_s, 1),
        "peak_mib": round(usage.ru_maxrss / 1024, 1),
    }


def installed(scratch: Path) -> dict[str, str]:
    """Return the environment in which the agent is compiled, as it is where pip has installed it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(scratch / "compiled")}


def ceiling(file: Path, level: int) -> float:
    """Return MB per CPU-second of read and split and, with a level, zstd."""
    began = time.process_time()
    with file.open("rb", buffering=0) as stream:
        while data := stream.read(CEILING_READ_BYTES):
            data.split(b"\n")
            if level:
                zstandard.ZstdCompressor(level=level).compress(data)
    return round(file.stat().st_size / 1e6 / (time.process_time() - began), 1)


def measure(kind: str, megabytes: int, port: int, scratch: Path) -> dict[str, Any]:
    """Return the figures of one kind of lines, without and with compression."""
    file = scratch / f"{kind}.log"
    lines = write_lines(file, kind, megabytes)
    rows: dict[str, Any] = {"lines": lines, "bytes_per_line": round(file.stat().st_size / lines, 1)}
    for name, level in (("uncompressed", 0), ("zstd", 1)):
        row: dict[str, Any] = run_agent(file, port, scratch, {"compression_level": level})
        row["ceiling_mb_per_cpu_s"] = ceiling(file, level)
        row["ratio"] = round(row["mb_per_cpu_s"] / row["ceiling_mb_per_cpu_s"], 2)
        rows[name] = row
    file.unlink()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="the size of each file")
    parser.add_argument("--kind", choices=list(KINDS), help="only these lines")
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sink:
        serve_sink()
    sink = subprocess.Popen([sys.executable, __file__, "--sink"], stdout=subprocess.PIPE, text=True)
    try:
        assert sink.stdout is not None
        port = int(sink.stdout.readline())
        with tempfile.TemporaryDirectory() as scratch:
            nothing = Path(scratch) / "nothing.log"
            nothing.write_text("the first run compiles\n")
            run_agent(nothing, port, Path(scratch), {})
            kinds = [arguments.kind] if arguments.kind else list(KINDS)
            figures = {kind: measure(kind, arguments.megabytes, port, Path(scratch)) for kind in kinds}
            print(json.dumps(figures, indent=1))
    finally:
        sink.kill()
        sink.wait()


if __name__ == "__main__":
    main()
