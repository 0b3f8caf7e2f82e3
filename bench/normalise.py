"""Microseconds of CPU that a line takes from a chunk to an event, by format, beside the raw floor of the same run.

The floor is what no normaliser of these lines can go below: for containers and JSON decoding each line by msgspec into
a struct of the wanted keys, for text decoding UTF-8 and one regular expression that takes it apart.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from real_logs import ROOT, unpack_trainticket

from clew_agent.wire import Chunk, Origin, Source, pack_u32
from clew_collector.normalise import Normaliser

ROUNDS = 7
LINES_MAX = 20_000
TRACE = re.compile(rb"TraceID: ([0-9a-f]{32})")


class Enclosed(msgspec.Struct):
    log: str
    stream: str
    time: str


class Object(msgspec.Struct):
    message: str = ""
    level: str = ""
    timestamp: str = ""


JSON_LINE = (
    b'{"timestamp":"2024-01-02T12:00:%02d.123456Z","level":"info","logger":"orders.api","message":"order placed",'
    b'"trace_id":"76f063c743a59130cf91efba9bb1067e","span_id":"b959018f709a6ffe","order":{"id":%d,"total":9.5},'
    b'"http":{"method":"POST","status":201,"path":"/orders"},"customer":"c-%d"}'
)
LOGFMT_LINE = (
    b'time=2024-01-02T12:00:%02d.123456Z level=info logger=orders.api msg="order placed" '
    b"span_id=b959018f709a6ffe order=%d status=201 path=/orders customer=c-%d"
)
ACCESS_LINE = b'10.0.0.%d - - [02/Jan/2024:12:00:%02d +0000] "GET /orders/%d HTTP/1.1" 200 512 "-" "curl/8.5.0"'


def chunk_of(lines: list[bytes]) -> Chunk:
    """Return a chunk as an agent stamps it."""
    found = [TRACE.search(line) for line in lines]
    payload = [line + b"\n" for line in lines]
    return Chunk(
        source=Source(
            file_id=bytes(10), path="/var/log/x.log", host="h", service="s", modified_ns=1_700_000_000 * 10**9
        ),
        observed_ns=time.time_ns(),
        start=0,
        lengths=pack_u32([len(line) for line in payload]),
        payload=b"".join(payload),
        ids=b"".join(bytes.fromhex(match[1].decode()) if match else bytes(16) for match in found),
        origins=bytes(Origin.LINE if match else Origin.GENERATED for match in found),
    )


def cpu_us(work: Callable[[], object], lines: int) -> float:
    """Return the least CPU time of some rounds, per line."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best / lines * 1e6


def floor_of_text(lines: list[bytes]) -> None:
    take_apart = re.compile(r"(\S+ \S+) (\S+) (\S+) (.*)", re.DOTALL).match
    for line in lines:
        match = take_apart(line.decode("utf-8", "replace"))
        if match:
            match.groups()


def floor_of_json(lines: list[bytes], kind: type[msgspec.Struct]) -> None:
    decode = msgspec.json.Decoder(kind).decode
    for line in lines:
        decode(line)


def pods(folder: Path) -> list[bytes]:
    files = [path.read_bytes().splitlines()[:2_000] for path in sorted(folder.glob("hosts/*/*.log"))]
    whole = [line for file in files for line in file if line.endswith(b'Z"}')]
    return whole[:: max(1, len(whole) // LINES_MAX)]


def formats(scratch: Path) -> dict[str, tuple[list[bytes], Callable[[list[bytes]], None]]]:
    """Return lines and their floor, by name."""
    data = Path(os.environ.get("CLEW_DATA") or ROOT.parent / "shared" / "data")
    found: dict[str, tuple[list[bytes], Callable[[list[bytes]], None]]] = {
        "TrainTicket (docker, text)": (pods(unpack_trainticket(scratch)), lambda lines: floor_of_json(lines, Enclosed)),
        "JSON": ([JSON_LINE % (i % 60, i, i) for i in range(5_000)], lambda lines: floor_of_json(lines, Object)),
        "logfmt": ([LOGFMT_LINE % (i % 60, i, i) for i in range(5_000)], floor_of_text),
        "access log": ([ACCESS_LINE % (i % 250, i % 60, i) for i in range(5_000)], floor_of_text),
        "plain text": ([b"\tat com.example.Main.run(Main.java:%d)" % i for i in range(5_000)], floor_of_text),
    }
    for path in sorted((data / "loghub").glob("*_2k.log")):
        found[path.stem.removesuffix("_2k")] = (path.read_bytes().splitlines(), floor_of_text)
    return found


def main() -> None:
    as_json = "--json" in sys.argv[1:]
    normaliser = Normaliser()
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, (lines, floor) in formats(Path(scratch)).items():
            chunk = chunk_of(lines)
            events = cpu_us(lambda chunk=chunk: normaliser.events(chunk), len(lines))  # type: ignore[misc]
            raw = cpu_us(lambda lines=lines, floor=floor: floor(lines), len(lines))  # type: ignore[misc]
            results[name] = {
                "lines": len(lines),
                "bytes_per_line": round(len(chunk.payload) / len(lines)),
                "us_per_line": round(events, 2),
                "floor_us_per_line": round(raw, 2),
                "ratio": round(events / raw, 1),
            }
    if as_json:
        print(json.dumps(results))
        return
    print(f"{'format':<28}{'lines':>7}{'bytes':>7}{'us/line':>9}{'floor':>8}{'ratio':>7}")
    for name, row in results.items():
        lines_, size, us, raw_us, ratio = row.values()
        print(f"{name:<28}{lines_:>7}{size:>7}{us:>9}{raw_us:>8}{ratio:>7}")


if __name__ == "__main__":
    main()
