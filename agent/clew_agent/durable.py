"""Writing a small file whole: after a crash there is the old one or the new one, never half of one."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: Path, data: bytes, *, durable: bool, keep: Path | None = None) -> None:
    """Replace the file: temporary file, fsync, rename, fsync of the directory. OSError if that fails.

    Until it returns, the old content is at `path`. `keep`: the old content stays there. Not `durable`: no fsync,
    for what is worth nothing after a crash.
    """
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if keep and path.exists():
        link = keep.with_name(keep.name + ".new")
        link.unlink(missing_ok=True)
        os.link(path, link)
        link.replace(keep)
    temporary.replace(path)
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
