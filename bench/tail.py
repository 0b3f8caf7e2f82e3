"""What following files costs: 10,000 idle ones, 100 busy ones; and how long a line takes from append to arrival."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec

from clew_agent.wire import CHUNKS_PATH, ChunksAnswer, decode_chunk, decode_frames

LINE = b'{"level":"info","message":"a line of a busy service that says what it does","n":%d}\n'


class Receiver:
    """Takes chunks and notes when each marked line arrived."""

    def __init__(self) -> None:
        receiver = self
        self.lines = 0
        self.arrived: dict[bytes, float] = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = b""
                if self.path == CHUNKS_PATH:
                    count = receiver.take(body)
                    answer = msgspec.json.encode(ChunksAnswer(accepted=count, duplicate=0))
                self.send_response(200 if answer else 204)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, body: bytes) -> int:
        now = time.monotonic()
        count = 0
        for frame in decode_frames(body):
            chunk = decode_chunk(frame)
            count += chunk.count
            for line in chunk.payload.splitlines():
                if line.startswith(b"marked"):
                    self.arrived[line] = now
        self.lines += count
        return count


def start(folder: Path, receiver: Receiver, *, watch: bool) -> subprocess.Popen[bytes]:
    config = folder / "agent.yaml"
    sources = [{"paths": [f"{folder}/logs/*.log"]}]
    data = str(folder / "agent")
    config.write_text(json.dumps({"sources": sources, "server": receiver.url, "data": data, "watch": watch}))
    command = [sys.executable, "-m", "clew_agent", "agent", "run", "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def wait_until(receiver: Receiver, lines: int) -> None:
    deadline = time.monotonic() + 120
    while receiver.lines < lines:
        assert time.monotonic() < deadline, f"{receiver.lines} of {lines} lines"
        time.sleep(0.02)


def idle(files: int, seconds: float, *, watch: bool) -> dict[str, float]:
    """Files that nobody writes to: share of a core, memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "logs").mkdir()
        for i in range(files):
            (folder / "logs" / f"{i}.log").write_bytes(LINE % i)
        receiver = Receiver()
        process = start(folder, receiver, watch=watch)
        try:
            wait_until(receiver, files)
            time.sleep(8)  # the last heartbeats and checkpoints of the beginning
            before, began = cpu_s(process.pid), time.monotonic()
            time.sleep(seconds)
            share = (cpu_s(process.pid) - before) / (time.monotonic() - began)
            peak_mib = peak_of(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        return {"files": files, "core_percent": round(100 * share, 2), "peak_mib": round(peak_mib, 1)}


def busy(files: int, seconds: float) -> dict[str, float]:
    """Files that are written to all the time: cost of a megabyte, and how long a marked line takes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "logs").mkdir()
        receiver = Receiver()
        process = start(folder, receiver, watch=True)
        opened = [(folder / "logs" / f"{i}.log").open("ab", buffering=0) for i in range(files)]
        sent: dict[bytes, float] = {}
        written = 0
        try:
            opened[0].write(LINE % 0)
            wait_until(receiver, 1)
            before, began, turn = cpu_s(process.pid), time.monotonic(), 0
            while time.monotonic() < began + seconds:
                turn += 1
                data = b"".join(LINE % n for n in range(20))
                for file in opened:
                    file.write(data)
                written += len(data) * files
                line = b"marked %d" % turn
                sent[line] = time.monotonic()
                opened[turn % files].write(line + b"\n")
                time.sleep(0.05)
            wait_until(receiver, 1 + turn * (20 * files + 1))
            spent = cpu_s(process.pid) - before
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            for file in opened:
                file.close()
        ordered = sorted(1000 * (receiver.arrived[line] - at) for line, at in sent.items())
        return {
            "files": files,
            "mb_per_cpu_s": round(written / 1e6 / spent, 1),
            "p50_ms": round(ordered[len(ordered) // 2], 1),
            "p99_ms": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    print("idle, inotify", idle(arguments.files, arguments.seconds, watch=True))
    print("idle, polling", idle(arguments.files, arguments.seconds, watch=False))
    print("busy", busy(100, arguments.seconds))
    print("one busy", busy(1, arguments.seconds))


if __name__ == "__main__":
    main()
