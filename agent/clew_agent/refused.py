"""Lines that the receiver will never take, kept for people: in `refused.jsonl` of the agent's directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from clew_agent.delivery import Refusal

__all__ = ["RefusedLine", "keep_refused"]

_NAME = "refused.jsonl"


class RefusedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of that file."""

    path: str
    file_id: str
    offset: int
    length: int
    service: str
    why: str
    line: bytes
    """As it would have been sent, in base64."""


def keep_refused(directory: Path, refused: Iterable[Refusal], bytes_max: int) -> None:
    """Append the lines, as long as the file has no more than so many bytes. OSError if that fails.

    One that was kept, and refused again after a crash, is there twice.
    """
    with (directory / _NAME).open("ab") as file:
        for chunk, why in refused:
            source = chunk.source
            line = RefusedLine(
                path=source.path,
                file_id=source.file_id.hex(),
                offset=chunk.start,
                length=chunk.end - chunk.start,
                service=source.service,
                why=why,
                line=chunk.payload,
            )
            data = msgspec.json.encode(line) + b"\n"
            if file.tell() + len(data) <= bytes_max:
                file.write(data)
