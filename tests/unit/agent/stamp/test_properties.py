"""What holds for any bytes: a chunk gives what its lines give alone, and the same bytes give the same."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.agent.stamp.stamping import SPAN, TRACE, stamp, stamps
from tests.unit.agent.stamp.test_aliases import FOUND
from tests.unit.agent.stamp.test_trace_ids import NONE, OBJECTS, TEXTS

from clew_agent.stamp import Cut, Stamper, StampSettings, build_chunk
from clew_agent.stamp.text import Text
from clew_agent.wire import Source, decode_chunk, encode_chunk

KNOWN = [
    *(line.encode() for line, _ in TEXTS.values()),
    *(line.encode() for line, _ in FOUND.values()),
    *(json.dumps(fields).encode() for fields, _ in OBJECTS.values()),
    *(line.encode() for lines in NONE.values() for line in lines.split("\n")),
]
# Pieces of notations, so that ids are cut and joined at every place.
PIECES = [
    *(b"trace_id=", b"traceparent: 00-", b'{"trace_id":"', b'"}', b"}", b"{", b'{"log":"', b"[orders,", b",", b"]"),
    *(
        b"request_id=",
        b"X-",
        b"HTTP_",
        b"Root=1-",
        b"b3: ",
        b"-01",
        b"-",
        b" ",
        b"\t",
        b"\r",
        b"\\n",
        b"\\",
        b"\x1b[36m",
    ),
    *(TRACE.encode(), SPAN.encode(), b"checkout-7f3a", b"0" * 32, b"\x00", b"\xff\xfe", b"\xc3", "é".encode()),
]
lines_of_any_bytes = st.binary(max_size=80).map(lambda line: line.replace(b"\n", b""))
lines_of_pieces = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=8).map(
    lambda pieces: b"".join(pieces).replace(b"\n", b"")
)
lines = st.lists(st.sampled_from(KNOWN) | lines_of_pieces | lines_of_any_bytes, min_size=1, max_size=12)


def payload_of(lines: list[bytes], *, terminated: bool) -> bytes:
    payload = b"\n".join(lines) + (b"\n" if terminated else b"")
    return payload or b"\n"


@given(lines, st.booleans())
@settings(max_examples=1500)
def test_a_chunk_gives_what_its_lines_give_alone(lines: list[bytes], terminated: bool) -> None:
    payload = payload_of(lines, terminated=terminated)
    alone = [stamp(line + b"\n") for line in payload.removesuffix(b"\n").split(b"\n")]
    assert stamps(payload) == alone


@given(lines, st.booleans())
def test_the_same_bytes_give_the_same_stamps(lines: list[bytes], terminated: bool) -> None:
    payload = payload_of(lines, terminated=terminated)
    assert stamps(payload) == stamps(payload)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=30))
def test_no_line_end_is_stepped_over(pieces: list[bytes]) -> None:
    """Where a line end is put between any two bytes, both halves give what they give alone."""
    whole = b"".join(pieces).replace(b"\n", b"")
    for at in range(len(whole) + 1):
        head, rest = whole[:at], whole[at:]
        assert stamps(head + b"\n" + rest + b"\n") == [stamp(head + b"\n"), stamp(rest + b"\n")]


@given(lines, st.booleans(), st.integers(0, 1 << 40))
def test_a_chunk_holds_the_bytes_as_they_were(lines: list[bytes], terminated: bool, start: int) -> None:
    payload = payload_of(lines, terminated=terminated)
    chunk = build_chunk(
        Source(file_id=b"0123456789", path="/x", host="h", service="s"),
        observed_ns=1,
        start=start,
        payload=payload,
        stamper=Stamper(StampSettings()),
    )
    there = decode_chunk(encode_chunk(chunk))
    assert there == chunk
    assert there.payload == payload
    assert there.end - there.start == len(payload)
    assert [line.raw.rstrip(b"\r") for line in there.lines()] == [line.rstrip(b"\r") for line in Text(payload).lines]


def test_a_cut_line_counts_with_its_bytes_in_the_file() -> None:
    chunk = build_chunk(
        Source(file_id=b"0123456789", path="/x", host="h", service="s"),
        observed_ns=1,
        start=100,
        payload=b"one\nlong\ntwo\n",
        stamper=Stamper(StampSettings()),
        cuts=(Cut(1, 5_000, 4_995), Cut(2, 9)),
    )
    assert chunk.cut == {1: 4_995}
    assert [(line.offset, line.length, line.raw) for line in chunk.lines()] == [
        (100, 4, b"one"),
        (104, 5_000, b"long"),
        (5_104, 9, b"two"),
    ]


def test_hostile_lines_take_no_time_that_grows_faster_than_they() -> None:
    """A megabyte of what begins every pattern and ends none; the suite's time limit is the assertion's."""
    for piece in (*PIECES, b"trace_id=" + b"0" * 31, b"[a,", b"[" + b"a" * 60, b"traceparent: 00-" + TRACE.encode()):
        if piece:
            stamps(piece * (1_000_000 // len(piece)) + b"\n")
    stamps(b'{"a":' * 100_000 + b"\n" + b"[" * 100_000)
