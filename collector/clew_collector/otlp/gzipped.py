"""Decompressing a request's body without trusting it."""

from __future__ import annotations

import zlib

from clew_collector.admission import Refused

__all__ = ["decompress", "too_large"]

_GZIP = 16 + zlib.MAX_WBITS


def decompress(body: bytes, encoding: str, *, bytes_max: int) -> bytes:
    """Return the body decompressed; Refused with 400, 413 or 415."""
    if encoding in {"", "identity"}:
        if len(body) > bytes_max:
            raise too_large(bytes_max)
        return body
    if encoding != "gzip":
        raise Refused(
            415, "encoding", f"the content encoding {encoding[:40]} is not known", hint="send gzip, or none at all"
        )
    parts: list[bytes] = []
    room = bytes_max
    while body:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(body, room + 1)
        except zlib.error as error:
            raise Refused(400, "not_gzip", f"the body is not gzip: {error}") from error
        if len(part) > room:
            raise too_large(bytes_max)
        if not stream.eof:
            raise Refused(400, "not_gzip", "the body ends within a gzip stream")
        room -= len(part)
        parts.append(part)
        # A file of several members is one text (RFC 1952, section 2.2).
        body = stream.unused_data
    return b"".join(parts)


def too_large(bytes_max: int) -> Refused:
    """Return the refusal of a body that needs more bytes than are taken."""
    return Refused(
        413,
        "too_large",
        f"the request needs more than {bytes_max} bytes once decompressed",
        hint="send smaller batches, or raise the collector's `decoded_bytes_max`",
    )
