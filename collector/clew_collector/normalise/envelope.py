"""Envelopes: what container runtimes put around each line of a program's output."""

from __future__ import annotations

import re
from typing import Any

import msgspec

__all__ = ["Envelope", "envelope_of_fields", "open_cri", "open_docker"]


class Envelope(msgspec.Struct, frozen=True):
    """A runtime's own words about a line, and the line. `time` is when the runtime read it, as written."""

    text: str
    time: str
    stream: str
    attributes: dict[str, str] = {}
    partial: bool = False
    """More of the same line follows in the next one."""
    torn_bytes: int = 0
    """Bytes behind the envelope that belong to no line: another writer's rest after a crash."""


class _DockerLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Docker's json-file driver; `attrs` are what its options `labels`, `env` and `tag` add."""

    log: str
    stream: str
    time: str
    attrs: dict[str, str] = {}


_docker = msgspec.json.Decoder(_DockerLine)
_WHOLE_DOCKER = re.compile(
    rb'\{"log":"[^"\\]*+(?:\\.[^"\\]*+)*+","stream":"std(?:out|err)","time":"[^"\\]{1,64}"\}', re.DOTALL
)
_STREAMS = frozenset({"stdout", "stderr"})
_KEYS = frozenset({"log", "stream", "time"})
# Kubernetes CRI: time, stream, tags (P partial, F full; more may follow behind colons), the line
_CRI = re.compile(
    r"(\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d))\ (stdout|stderr)\ ([FP])(?::\S{0,64})?(?:\ (.*))?",
    re.ASCII | re.DOTALL,
)


def open_docker(raw: bytes) -> Envelope | None:
    """Return the envelope that the bytes begin with, as Docker's json-file driver writes it; None if there is none."""
    torn = 0
    line = _decode(raw)
    if line is None and (whole := _WHOLE_DOCKER.match(raw)):
        line = _decode(whole[0])
        torn = len(raw) - whole.end()
    if line is None or line.stream not in _STREAMS:
        return None
    return Envelope(_without_newline(line.log), line.time, line.stream, line.attrs, torn_bytes=torn)


def envelope_of_fields(fields: dict[str, Any]) -> Envelope | None:
    """Return the envelope of a decoded object in Docker's form, in whatever order its keys came."""
    log, time, stream = fields.get("log"), fields.get("time"), fields.get("stream")
    if stream not in _STREAMS or not isinstance(log, str) or not isinstance(time, str) or not fields.keys() <= _KEYS:
        return None
    return Envelope(_without_newline(log), time, str(stream))


def open_cri(text: str) -> Envelope | None:
    """Return the envelope of a line in Kubernetes' CRI format, None if the text is anything else."""
    found = _CRI.fullmatch(text)
    return Envelope(found[4] or "", found[1], found[2], partial=found[3] == "P") if found else None


def _decode(raw: bytes) -> _DockerLine | None:
    try:
        return _docker.decode(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _without_newline(text: str) -> str:
    if text[-1:] == "\n":
        return text[:-2] if text[-2:] == "\r\n" else text[:-1]
    return text
