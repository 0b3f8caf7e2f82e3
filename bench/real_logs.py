"""The real logs that benches run on: unpacked, and multiplied with other ids where more is needed."""

from __future__ import annotations

import os
import re
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = "trainticket-2023-01-29.tar.xz"
TRACE_ID = re.compile(rb"TraceID: ([0-9a-f]{8})")


def unpack_trainticket(into: Path) -> Path:
    """Unpack the archive and return its folder; SystemExit with the reason when it is not there."""
    folder = Path(os.environ.get("CLEW_DATA") or ROOT.parent / "shared" / "data")
    archive = folder / ARCHIVE
    if not archive.is_file():
        raise SystemExit(f"there is no {archive}; CLEW_DATA names the folder of the real logs")
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into


def multiply(original: Path, into: Path, times: int) -> Path:
    """Write `times` days side by side: the same lines, other transaction ids, other hosts."""
    for n in range(times):
        for file in sorted((original / "hosts").glob("*/*.log")):
            target = into / "hosts" / f"{file.parent.name}-{n}" / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            key = n * 0x9E3779B1 & 0xFFFFFFFF

            def other(match: re.Match[bytes], key: int = key) -> bytes:
                return b"TraceID: %08x" % (int(match[1], 16) ^ key)

            target.write_bytes(TRACE_ID.sub(other, file.read_bytes()) if n else file.read_bytes())
    return into


def write_config(folder: Path) -> Path:
    """Put the example configuration beside `hosts/` and return its path."""
    config = folder / "trainticket.yaml"
    config.write_text((ROOT / "deploy" / "examples" / "trainticket.yaml").read_text())
    return config
